package faults

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
)

// careless configures a client without a circuit.
func careless(c *httpclient.Config) { c.Breaker = nil }

func setFault(t *testing.T, w *world, f faultserver.Fault) {
	t.Helper()
	if err := w.server.Set(f); err != nil {
		t.Fatal(err)
	}
}

func TestClientWaitsForARetryAfterThatFits(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	setFault(t, w, faultserver.Status(429, time.Second).For(1))
	o := w.processes[0].authorize(t.Context(), "k", 3*time.Second)
	if o.err != nil || o.took < time.Second || o.took > 2*time.Second || w.server.Requests() != 2 {
		t.Errorf("%v after %v and %d requests, want a charge after a second, with two requests", o.err, o.took,
			w.server.Requests())
	}
}

func TestCallerGetsARetryAfterThatDoesNotFit(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	setFault(t, w, faultserver.Status(429, 2*time.Second))
	o := w.processes[0].authorize(t.Context(), "k", time.Second)
	if fault.From(o.err).RetryAfter != 2*time.Second || o.took > 500*time.Millisecond || w.server.Requests() != 1 {
		t.Errorf("%v, to wait %v, after %v and %d requests; want the 2 s at once", o.err,
			fault.From(o.err).RetryAfter, o.took, w.server.Requests())
	}
}

func TestNoRetryWithoutAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key string
		max int
		// 4: the connection in use is reset, too, and replaced by the transport
	}{"with a key": {"k", 4}, "without": {"", 1}} {
		w := inhabit(t)
		transport := httpclient.NewTransport()
		transport.Proxy = nil
		t.Cleanup(transport.CloseIdleConnections)
		client := httpclient.New(httpclient.Config{
			Dependency: provider.Name, Endpoints: registry.Fixed{provider.Name: w.url}, Clock: clock.System{},
			Timeout: attempt, Retry: retry, Transport: transport,
		})
		call := func() error {
			return client.Do(t.Context(),
				httpclient.Request{Method: http.MethodPost, Path: "/charges", IdempotencyKey: c.key, Body: struct{}{}},
				nil)
		}
		if err := call(); err != nil { // connects
			t.Fatal(err)
		}
		setFault(t, w, faultserver.Reset)
		if err := call(); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := w.server.Requests() - 1; n > c.max || c.key != "" && n < retry.Attempts {
			t.Errorf("%s: %d requests, want at most %d", name, n, c.max)
		}
	}
}

func TestRetriesAddATenthToAStorm(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	p := w.process(careless)
	setFault(t, w, faultserver.Status(500, 0))
	const calls = 200
	for n := range calls {
		if o := p.authorize(t.Context(), "k-"+strconv.Itoa(n), deadline); o.err == nil {
			t.Fatal("no error")
		}
	}
	if got, most := w.server.Requests(), calls+calls/10+2; got > most || got <= calls {
		t.Errorf("%d requests for %d calls, want more than calls and at most %d", got, calls, most)
	}
}
