package httpclient_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

// pot is a dependency that answers with statuses in turn, repeating the last one, and counts calls.
type pot struct {
	statuses   []int
	retryAfter string
	calls      atomic.Int32
	probes     atomic.Int32
	down       atomic.Bool
}

func (p *pot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/probe" {
		p.probes.Add(1)
	} else {
		p.calls.Add(1)
	}
	status := http.StatusOK
	if n := int(p.calls.Load()); len(p.statuses) > 0 {
		status = p.statuses[min(n, len(p.statuses))-1]
	}
	if p.down.Load() {
		status = http.StatusInternalServerError
	}
	if p.retryAfter != "" {
		w.Header().Set("Retry-After", p.retryAfter)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte("{}"))
}

// kitchen has clients of one pot that share a clock and a log, as processes do.
type kitchen struct {
	t     *testing.T
	pot   *pot
	clock *clock.Manual
	log   *memdb.Log
	url   string
	slept []time.Duration
}

func open(t *testing.T, p *pot) *kitchen {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	now := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return &kitchen{t: t, pot: p, clock: now, log: memdb.NewLog(now), url: server.URL}
}

func (k *kitchen) config() httpclient.Config {
	return httpclient.Config{
		Dependency: "teapot", Endpoints: registry.Fixed{"teapot": k.url}, Clock: k.clock, Timeout: 5 * time.Second,
		Random: func() float64 { return .5 },
		Sleep: func(_ context.Context, d time.Duration) error {
			k.slept = append(k.slept, d)
			k.clock.Advance(d)
			return nil
		},
	}
}

// process returns a client with its own breaker over the shared log.
func (k *kitchen) process(edit func(*httpclient.Config)) *httpclient.Client {
	c := k.config()
	c.Retry = resilience.Policy{Attempts: 1}
	c.Breaker = k.breaker()
	if edit != nil {
		edit(&c)
	}
	return httpclient.New(c)
}

// breaker returns a new breaker over the shared log.
func (k *kitchen) breaker() *resilience.Breaker {
	return resilience.NewBreaker("teapot", k.log, resilience.DefaultSettings, k.clock,
		envelope.Publisher{Service: "test", Clock: k.clock, IDs: &ids.Sequence{}})
}

func call(n int) httpclient.Request {
	return httpclient.Request{Method: http.MethodPost, Path: "/pots", IdempotencyKey: "k-" + strconv.Itoa(n)}
}

func (k *kitchen) wantCalls(n int) {
	k.t.Helper()
	if got := int(k.pot.calls.Load()); got != n {
		k.t.Errorf("%d calls reached the dependency, want %d", got, n)
	}
}

func TestTransientFailureIsRetriedWithGrowingWaits(t *testing.T) {
	k := open(t, &pot{statuses: []int{500, 503, 200}})
	if err := httpclient.New(k.config()).Do(t.Context(), call(1), nil); err != nil {
		t.Fatal(err)
	}
	k.wantCalls(3)
	if len(k.slept) != 2 || k.slept[0] != time.Second || k.slept[1] != 2*time.Second {
		t.Errorf("waited %v, want half of 2 s and half of 4 s", k.slept)
	}
}

func TestCallIsAttemptedThreeTimesAtMost(t *testing.T) {
	k := open(t, &pot{statuses: []int{500}})
	err := httpclient.New(k.config()).Do(t.Context(), call(1), nil)
	wantTransient(t, "500", err)
	k.wantCalls(3)
}

func TestRefusalIsNotRetried(t *testing.T) {
	for _, status := range []int{400, 402, 404, 409, 422} {
		k := open(t, &pot{statuses: []int{status}})
		var no *httpclient.StatusError
		if err := httpclient.New(k.config()).Do(t.Context(), call(1), nil); !errors.As(err, &no) ||
			no.Status != status {
			t.Errorf("%d: %v", status, err)
		}
		k.wantCalls(1)
	}
}

func TestOnlyIdempotentCallsAreRetried(t *testing.T) {
	for name, c := range map[string]struct {
		request httpclient.Request
		calls   int
	}{
		"POST without a key": {httpclient.Request{Method: http.MethodPost}, 1},
		"POST with a key":    {call(1), 3},
		"PATCH":              {httpclient.Request{Method: http.MethodPatch}, 1},
		"GET":                {httpclient.Request{Method: http.MethodGet}, 3},
		"PUT":                {httpclient.Request{Method: http.MethodPut}, 3},
		"DELETE":             {httpclient.Request{Method: http.MethodDelete}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			k := open(t, &pot{statuses: []int{500}})
			wantTransient(t, name, httpclient.New(k.config()).Do(t.Context(), c.request, nil))
			k.wantCalls(c.calls)
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	k := open(t, &pot{statuses: []int{429, 200}, retryAfter: "7"})
	if err := httpclient.New(k.config()).Do(t.Context(), call(1), nil); err != nil || len(k.slept) != 1 ||
		k.slept[0] != 7*time.Second {
		t.Errorf("waited %v, %v; want 7 s", k.slept, err)
	}
	k = open(t, &pot{statuses: []int{503, 200}})
	k.pot.retryAfter = k.clock.Now().Add(9 * time.Second).Format(http.TimeFormat)
	if err := httpclient.New(k.config()).Do(t.Context(), call(1), nil); err != nil || len(k.slept) != 1 ||
		k.slept[0] != 9*time.Second {
		t.Errorf("waited %v, %v; want 9 s", k.slept, err)
	}
	for _, nonsense := range []string{"soon", "-3", "Thu, 01 Jan 1970 00:00:00 GMT"} {
		k = open(t, &pot{statuses: []int{503, 200}, retryAfter: nonsense})
		if err := httpclient.New(k.config()).Do(t.Context(), call(1), nil); err != nil || k.slept[0] != time.Second {
			t.Errorf("%s: waited %v, %v; want 1 s", nonsense, k.slept, err)
		}
	}
}

// within returns a context whose deadline is d from now by the kitchen's clock.
func (k *kitchen) within(d time.Duration) context.Context {
	return deadline.By(k.t.Context(), k.clock, k.clock.Now().Add(d))
}

func TestWaitBeyondTheDeadlineIsLeftToTheCaller(t *testing.T) {
	k := open(t, &pot{statuses: []int{429}, retryAfter: "30"})
	err := httpclient.New(k.config()).Do(k.within(10*time.Second), call(1), nil)
	wantTransient(t, "429", err)
	if fault.From(err).RetryAfter != 30*time.Second {
		t.Errorf("the caller is asked to wait %v, want 30 s", fault.From(err).RetryAfter)
	}
	k.wantCalls(1)
	if len(k.slept) > 0 {
		t.Errorf("waited %v", k.slept)
	}
}

func TestRequestHasItsTimeout(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header.Get(httpclient.TimeoutHeader)
	}))
	t.Cleanup(server.Close)
	c := httpclient.New(httpclient.Config{
		Dependency: "teapot", Endpoints: registry.Fixed{"teapot": server.URL}, Clock: clock.System{},
		Timeout: 3 * time.Second,
	})
	if err := c.Do(t.Context(), call(1), nil); err != nil || got != "3000" {
		t.Errorf("%q, %v; want the timeout", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := c.Do(ctx, call(2), nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := strconv.Atoi(got); left <= 0 || left > 2000-int(httpclient.DefaultMargin.Milliseconds()) {
		t.Errorf("%q; want what is left of 2 s minus the margin", got)
	}
}

func TestRetriesAreAtMostATenthOfTheCalls(t *testing.T) {
	k := open(t, &pot{statuses: []int{500}})
	c := httpclient.New(k.config())
	for n := range 200 {
		_ = c.Do(t.Context(), call(n), nil)
	}
	if got, most := int(k.pot.calls.Load()), 200+20+2; got > most || got < 200+15 {
		t.Errorf("%d requests for 200 calls, want at most %d", got, most)
	}
}

func TestCircuitOpenedByOneProcessIsOpenForAll(t *testing.T) {
	k := open(t, &pot{statuses: []int{500}})
	one, other := k.process(nil), k.process(nil)
	_ = other.Do(t.Context(), call(0), nil) // caches that the circuit is closed
	for n := range 2 {
		_ = one.Do(t.Context(), call(1+n), nil)
	}
	k.wantCalls(3)
	k.clock.Advance(time.Second) // the cached state has expired
	err := other.Do(t.Context(), call(9), nil)
	if !errors.Is(err, resilience.ErrOpen) || fault.From(err).RetryAfter <= 0 {
		t.Errorf("%v, want ErrOpen with a RetryAfter", err)
	}
	k.wantCalls(3)
}

func TestCallThatOpensTheCircuitFailsWithErrOpen(t *testing.T) {
	k := open(t, &pot{statuses: []int{500}})
	c := k.process(func(c *httpclient.Config) { c.Retry = resilience.Policy{} })
	for n := range 2 {
		wantTransient(t, "closed circuit", c.Do(k.within(4*time.Second), call(n), nil))
	}
	before := k.pot.calls.Load()
	if err := c.Do(t.Context(), call(3), nil); !errors.Is(err, resilience.ErrOpen) {
		t.Errorf("%v, want ErrOpen", err)
	}
	if got := k.pot.calls.Load() - before; got != 1 {
		t.Errorf("%d requests, want 1: an open circuit ends the attempts", got)
	}
}

func TestHalfOpenCircuitIsProbed(t *testing.T) {
	k := open(t, &pot{})
	k.pot.down.Store(true)
	c := k.process(func(c *httpclient.Config) { c.Probe = httpclient.Request{Method: http.MethodGet, Path: "/probe"} })
	for n := range 3 {
		_ = c.Do(t.Context(), call(n), nil)
	}
	k.wantCalls(3)
	k.clock.Advance(resilience.DefaultSettings.OpenFor)
	if err := c.Do(t.Context(), call(4), nil); !errors.Is(err, resilience.ErrOpen) || k.pot.probes.Load() != 1 {
		t.Errorf("%v, %d probes; want one and ErrOpen", err, k.pot.probes.Load())
	}
	k.wantCalls(3) // the probe is not a caller's call
	k.pot.down.Store(false)
	k.clock.Advance(2 * resilience.DefaultSettings.OpenFor)
	if err := c.Do(t.Context(), call(4), nil); err != nil || k.pot.probes.Load() != 2 {
		t.Errorf("%v, %d probes", err, k.pot.probes.Load())
	}
	k.wantCalls(4)
}

func TestWithoutAProbeTheNextCallProbes(t *testing.T) {
	k := open(t, &pot{})
	k.pot.down.Store(true)
	c := k.process(nil)
	for n := range 3 {
		_ = c.Do(t.Context(), call(n), nil)
	}
	k.pot.down.Store(false)
	k.clock.Advance(resilience.DefaultSettings.OpenFor)
	if err := c.Do(t.Context(), call(4), nil); err != nil {
		t.Error(err)
	}
	k.wantCalls(4)
}

func TestRefusalsDoNotOpenTheCircuit(t *testing.T) {
	k := open(t, &pot{statuses: []int{402}})
	c := k.process(nil)
	for n := range 20 {
		var no *httpclient.StatusError
		if err := c.Do(t.Context(), call(n), nil); !errors.As(err, &no) {
			t.Fatalf("call %d: %v", n, err)
		}
	}
	k.wantCalls(20)
}

func TestUnsentCallsDoNotOpenTheCircuit(t *testing.T) {
	k := open(t, &pot{})
	lost := k.process(func(c *httpclient.Config) { c.Endpoints = registry.Fixed{} })
	for n := range 10 {
		if err := lost.Do(t.Context(), call(n), nil); errors.Is(err, resilience.ErrOpen) {
			t.Fatalf("call %d: %v", n, err)
		}
	}
	late := k.process(nil)
	for n := range 10 {
		if err := late.Do(k.within(httpclient.DefaultMargin), call(n), nil); err == nil ||
			errors.Is(err, resilience.ErrOpen) {
			t.Fatalf("call %d without time: %v", n, err)
		}
	}
	k.wantCalls(0)
}

func TestFullBulkheadRefusesAtOnce(t *testing.T) {
	arrived, end := make(chan struct{}, 4), make(chan struct{}) // room for every call
	slow := config(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-end })
	slow.Concurrency = 2
	c := httpclient.New(slow)
	done := make(chan error)
	for n := range 2 {
		go func() { done <- c.Do(t.Context(), call(n), nil) }()
		<-arrived
	}
	ctx, recording := metricstest.On(t, clock.System{})
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // a bulkhead that lets it in makes it wait
	defer cancel()
	if err := c.Do(ctx, call(3), nil); !errors.Is(err, resilience.ErrFull) || fault.KindOf(err) != fault.Transient {
		t.Errorf("%v, want ErrFull", err)
	}
	if got := recording.Take(); len(got) != 1 || !strings.HasPrefix(got[0], "BulkheadRejected 1 ") {
		t.Errorf("recorded %q", got)
	}
	close(end)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	go func() { done <- c.Do(t.Context(), call(4), nil) }()
	<-arrived
	if err := <-done; err != nil {
		t.Errorf("after the others left: %v", err)
	}
}

func TestCancellationEndsTheWait(t *testing.T) {
	k := open(t, &pot{statuses: []int{500}})
	c := k.config()
	c.Clock, c.Sleep = clock.System{}, nil
	ctx, cancel := context.WithCancel(t.Context())
	c.Random = func() float64 { cancel(); return .5 } // called when the wait begins
	began := time.Now()
	wantTransient(t, "500", httpclient.New(c).Do(ctx, call(1), nil))
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("waited %v", took)
	}
	k.wantCalls(1)
}
