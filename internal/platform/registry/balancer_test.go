package registry_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/registry"
)

// balanced returns a balancer over n endpoints of "orders", called https://0, https://1, ….
func balanced(n int, seed uint64) (*registry.Balancer, *clock.Manual) {
	c := clock.At(time.Unix(0, 0))
	cache := registry.NewCache(registry.Fixed{"orders": strings.Join(names(n), ",")}, c)
	return registry.NewBalancer(cache, c, rand.New(rand.NewPCG(seed, 1)).IntN), c
}

func names(n int) []string {
	urls := make([]string, n)
	for i := range urls {
		urls[i] = fmt.Sprintf("https://%d", i)
	}
	return urls
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func pick(t failer, b *registry.Balancer) (string, func(failed bool)) {
	t.Helper()
	url, done, err := b.Pick(ctx, "orders")
	if err != nil {
		t.Fatalf("Pick: %v", err)
	}
	return url, done
}

func TestCallsAreSpreadOverHealthyEndpoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "endpoints")
		b, _ := balanced(n, rapid.Uint64().Draw(t, "seed"))
		const share = 300
		got := map[string]int{}
		for range n * share {
			url, done := pick(t, b)
			got[url]++
			done(false)
		}
		for _, url := range names(n) {
			if got[url] < share/2 || got[url] > share*3/2 {
				t.Fatalf("%v, want about %d each", got, share)
			}
		}
	})
}

func TestCallGoesToTheLessBusyEndpoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "endpoints")
		b, _ := balanced(n, rapid.Uint64().Draw(t, "seed"))
		waiting := map[string]int{}
		for range 50 * n {
			url, _ := pick(t, b)
			waiting[url]++
		}
		for _, url := range names(n) {
			// Picked by chance alone, they would be some 20 apart.
			if waiting[url] < 50-6 || waiting[url] > 50+6 {
				t.Fatalf("under way: %v", waiting)
			}
		}
	})
}

func TestFailingEndpointIsEjectedForLongerEachTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "endpoints")
		bad := map[string]bool{}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 1, n-1, rapid.ID[int]).Draw(t, "bad") {
			bad[names(n)[i]] = true
		}
		b, c := balanced(n, rapid.Uint64().Draw(t, "seed"))
		met := map[string][]time.Time{}
		step := time.Duration(rapid.IntRange(50, 500).Draw(t, "step")) * time.Millisecond
		for range 5000 {
			url, done := pick(t, b)
			done(bad[url])
			if bad[url] {
				met[url] = append(met[url], c.Now())
			}
			c.Advance(step)
		}
		for url, at := range met {
			want := registry.Ejection
			for i := registry.Failures; i < len(at); i++ {
				gap := at[i].Sub(at[i-1])
				if gap < want || gap > want+time.Duration(n)*step {
					t.Fatalf("%s was tried after %v, want %v", url, gap, want)
				}
				want = min(2*want, registry.MaxEjection)
			}
		}
	})
}

func TestFailingEndpointsAreTriedInTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "endpoints")
		b, c := balanced(n, rapid.Uint64().Draw(t, "seed"))
		for range 50 * n {
			_, done := pick(t, b)
			done(true)
			c.Advance(time.Millisecond)
		}
		got := map[string]bool{}
		for range 2 * n {
			url, done := pick(t, b)
			got[url] = true
			done(true)
			c.Advance(time.Millisecond)
		}
		if len(got) != n {
			t.Fatalf("in %d calls tried %v of %d", 2*n, got, n)
		}
		well, done := pick(t, b)
		done(false)
		for range 10 {
			if url, done := pick(t, b); url != well {
				t.Fatalf("%s is healthy, yet %s was picked", well, url)
			} else {
				done(false)
			}
		}
	})
}

func TestEndpointIsTriedByOneCallAtATime(t *testing.T) {
	b, c := balanced(2, 1)
	var sick string
	for range 100 {
		url, done := pick(t, b)
		if sick == "" {
			sick = url
		}
		done(url == sick)
	}
	c.Advance(registry.Ejection)
	trial, done := pick(t, b)
	if trial != sick {
		t.Fatalf("%s was picked though the ejection of %s has ended", trial, sick)
	}
	for range 20 {
		if url, _ := pick(t, b); url == sick {
			t.Fatal("a second call before the first one has told how it went")
		}
	}
	done(false)
	if url, _ := pick(t, b); url != sick {
		t.Errorf("%s came back without calls under way, yet %s was picked", sick, url)
	}
}

func TestTrialWithoutAResultBlocksNothing(t *testing.T) {
	b, c := balanced(1, 1)
	for range registry.Failures {
		_, done := pick(t, b)
		done(true)
	}
	for range 3 {
		pick(t, b)
		c.Advance(registry.MaxEjection)
	}
}

func TestLateOutcomesDoNotCountAgainstAnEjectedEndpoint(t *testing.T) {
	b, c := balanced(2, 1)
	before := map[string][]func(bool){}
	for range 20 {
		url, done := pick(t, b)
		before[url] = append(before[url], done)
	}
	const sick = "https://0"
	for _, done := range before[sick] { // a burst of failures is one ejection, not many
		done(true)
		done(true)
	}
	c.Advance(registry.Ejection)
	url, done := pick(t, b)
	if url != sick {
		t.Fatalf("%s was picked though the ejection of %s has ended", url, sick)
	}
	done(false)
	if url, _ = pick(t, b); url != sick {
		t.Errorf("%s was picked, want %s, which is back and idle", url, sick)
	}
}

func TestOnlyFailuresInARowEject(t *testing.T) {
	b, _ := balanced(2, 1)
	const flaky = "https://0"
	calls := map[string]int{}
	for range 400 {
		url, done := pick(t, b)
		calls[url]++
		done(url == flaky && calls[url]%registry.Failures != 0)
	}
	if calls[flaky] < 100 {
		t.Errorf("%v: an endpoint that answers every third call was ejected", calls)
	}
}

func TestEndpointThatFailsAgainSoonIsEjectedForTwiceAsLong(t *testing.T) {
	b, c := balanced(2, 1)
	const sick = "https://0"
	fail := func() {
		for range 50 {
			url, done := pick(t, b)
			done(url == sick)
		}
	}
	fail()
	c.Advance(registry.Ejection)
	url, done := pick(t, b)
	if url != sick {
		t.Fatalf("%s was picked, want the trial", url)
	}
	done(false)
	fail()
	c.Advance(2*registry.Ejection - time.Nanosecond)
	for range 50 {
		if url, done := pick(t, b); url == sick {
			t.Fatal("it was picked before twice the first ejection was over")
		} else {
			done(false)
		}
	}
}

func TestEndpointStaysEjectedWhenOthersAreAdded(t *testing.T) {
	s, cache, c := cached("https://0,https://1")
	b := registry.NewBalancer(cache, c, rand.New(rand.NewPCG(1, 1)).IntN)
	const sick = "https://0"
	calls := map[string]int{}
	call := func() {
		for range 50 {
			url, done := pick(t, b)
			calls[url]++
			done(url == sick)
		}
	}
	call()
	s.setURL("https://2,https://0,https://1")
	for calls["https://2"] == 0 { // a question a minute; trials of the sick one meanwhile
		c.Advance(registry.TTL)
		call()
	}
	before := calls[sick]
	if call(); calls[sick] != before {
		t.Errorf("calls: %v; the sick one was taken for new", calls)
	}
	if trials := before - registry.Failures; trials != 1 {
		t.Errorf("calls: %v; want one trial of %s", calls, sick)
	}
}

func TestEndpointThatWasHealthyForLongIsEjectedBriefly(t *testing.T) {
	b, c := balanced(2, 1)
	const sick = "https://0"
	fail := func() {
		for range 50 {
			url, done := pick(t, b)
			done(url == sick)
		}
	}
	fail()
	c.Advance(registry.Ejection)
	fail() // the trial fails: 20 s
	c.Advance(2 * registry.Ejection)
	if url, done := pick(t, b); url != sick {
		t.Fatalf("%s was picked, want the trial", url)
	} else {
		done(false)
	}
	for range 2 {
		c.Advance(registry.MaxEjection / 2)
		for range 50 { // successes do not put off its starting over
			_, done := pick(t, b)
			done(false)
		}
	}
	fail()
	c.Advance(registry.Ejection)
	if url, _ := pick(t, b); url != sick {
		t.Errorf("%s was picked: the ejection is longer than the first", url)
	}
}

func TestAddressIsLookedUpAgainWhenAllEndpointsFail(t *testing.T) {
	s, cache, c := cached("https://old")
	b := registry.NewBalancer(cache, c, rand.New(rand.NewPCG(1, 1)).IntN)
	call := func(want string, failed bool) {
		t.Helper()
		url, done := pick(t, b)
		if url != want {
			t.Errorf("picked %s, want %s", url, want)
		}
		done(failed)
	}
	call("https://old", false)
	c.Advance(registry.Retry)
	s.setURL("https://new")
	call("https://old", true) // the only one
	call("https://new", false)
	s.wantCalls(t, 2)
	for range 20 { // failing calls do not hammer the registry
		call("https://new", true)
	}
	s.wantCalls(t, 2)
	c.Advance(registry.Retry)
	call("https://new", true)
	call("https://new", true)
	s.wantCalls(t, 3)
}

func TestAddressIsNotLookedUpAgainWhileAnEndpointWorks(t *testing.T) {
	s, cache, c := cached("https://0,https://1")
	b := registry.NewBalancer(cache, c, rand.New(rand.NewPCG(1, 1)).IntN)
	for range 50 {
		url, done := pick(t, b)
		done(url == "https://0")
		c.Advance(time.Second)
	}
	s.wantCalls(t, 1)
}

func TestUnknownServiceHasNoEndpoint(t *testing.T) {
	b, _ := balanced(1, 1)
	if base, _, err := b.Pick(t.Context(), "nobody"); err == nil || base != "" {
		t.Errorf("%q, %v", base, err)
	}
}
