package faults

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/platform/httpclient"
)

// patient configures a client without a circuit whose attempts do not run out of time on a busy
// machine: each that does ends a connection and sends a request more.
func patient(c *httpclient.Config) {
	careless(c)
	c.Timeout = time.Minute
}

func TestConnectionsAreReusedAfterErrorAnswers(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	p := w.process(patient)
	for n, f := range []faultserver.Fault{
		faultserver.None, faultserver.Status(500, 0), faultserver.Status(402, 0), faultserver.NotJSON,
		faultserver.Status(429, time.Minute), faultserver.Redirect(elsewhere), faultserver.None,
	} {
		setFault(t, w, f)
		_ = p.authorize(t.Context(), "k-"+strconv.Itoa(n), deadline)
	}
	if n := w.server.Connections(); n != 1 {
		t.Errorf("%d connections for calls one after the other, want 1", n)
	}
}

func TestConnectionsAreReusedByConcurrentCalls(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	p := w.process(patient)
	setFault(t, w, faultserver.Latency(attempt/4)) // so that they overlap
	for round := range 5 {
		var calls sync.WaitGroup
		for n := range httpclient.DefaultConcurrency {
			calls.Go(func() {
				if o := p.authorize(t.Context(), strconv.Itoa(round)+"-"+strconv.Itoa(n), time.Minute); o.err != nil {
					t.Error(o.err)
				}
			})
		}
		calls.Wait()
	}
	// A few more than concurrent calls: the transport dials while a connection is being returned.
	if n := w.server.Connections(); n > 2*httpclient.DefaultConcurrency {
		t.Errorf("%d connections for 5 times %d calls", n, httpclient.DefaultConcurrency)
	}
}

func TestIdleConnectionClosedByTheServerIsReplaced(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	p := w.process(patient)
	for n := range 5 {
		if o := p.authorize(t.Context(), "k-"+strconv.Itoa(n), time.Minute); o.err != nil {
			t.Errorf("call %d: %v", n, o.err)
		}
		w.server.DropConnections()
	}
	if sent, requests := w.sent.Load(), w.server.Requests(); sent != 5 || requests != 5 {
		t.Errorf("%d requests sent, %d arrived; want one a call", sent, requests)
	}
}
