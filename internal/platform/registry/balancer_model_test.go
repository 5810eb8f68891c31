package registry

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orderflow/internal/platform/clock"
)

// Calls begin, succeed and fail in any order, endpoints come and go, and time passes: an ejected
// endpoint is picked only for its trial or where none is left, and in the end everyone is back.
func TestBalancerInvariantsHoldForAnyOrderOfCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock.At(time.Unix(0, 0))
		at := Fixed{"orders": "https://0,https://1,https://2"}
		b := NewBalancer(NewCache(at, c), c, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)).IntN)
		var calls []func(failed bool)
		begin := func() *endpoint {
			urls, _ := b.cache.Resolve(context.Background(), "orders")
			var up bool
			before := map[string]endpoint{}
			for _, e := range b.pool("orders", urls) {
				before[e.url] = *e
				up = up || !e.ejected()
			}
			url, done, err := b.Pick(context.Background(), "orders")
			if err != nil {
				t.Fatalf("Pick: %v", err)
			}
			if e := before[url]; e.ejected() && up && c.Now().Before(e.until) {
				t.Fatalf("%s was picked while it is ejected and others are up", url)
			}
			calls = append(calls, done)
			for _, e := range b.pools["orders"] {
				if e.url == url {
					return e
				}
			}
			t.Fatalf("%s is not an endpoint", url)
			return nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) { begin() },
			"end": func(t *rapid.T) {
				if len(calls) == 0 {
					t.Skip("no call is under way")
				}
				i := rapid.IntRange(0, len(calls)-1).Draw(t, "call")
				failed := rapid.Bool().Draw(t, "failed")
				calls[i](failed)
				calls[i](!failed) // the second time says nothing
				calls = append(calls[:i], calls[i+1:]...)
			},
			"fail all": func(*rapid.T) {
				for _, done := range calls {
					done(true)
				}
				calls = nil
			},
			"pass": func(t *rapid.T) {
				c.Advance(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			},
			"move": func(t *rapid.T) {
				moves := []string{"https://0", "https://0,https://1,https://2", "https://2,https://3"}
				at["orders"] = rapid.SampledFrom(moves).Draw(t, "to")
			},
			"": func(t *rapid.T) {
				for _, pool := range b.pools {
					for _, e := range pool {
						if e.outstanding < 0 || e.outstanding > len(calls) {
							t.Fatalf("%s has %d of %d calls under way", e.url, e.outstanding, len(calls))
						}
						if left := e.until.Sub(c.Now()); left > MaxEjection {
							t.Fatalf("%s is ejected for %v", e.url, left)
						}
					}
				}
			},
		})
		for _, done := range calls {
			done(true)
		}
		calls = nil
		c.Advance(MaxEjection)
		for range b.pools["orders"] {
			begin()
			calls[0](false)
			calls = nil
		}
		begin()
		for _, e := range b.pools["orders"] {
			if e.ejected() {
				t.Fatalf("%s is healthy and still ejected", e.url)
			}
		}
	})
}
