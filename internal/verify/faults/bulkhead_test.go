package faults

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

func hanging() Scenario {
	s := transient("no answer", faultserver.Hang)
	s.Load = troubled
	return s
}

func TestWithoutABulkheadOtherCallsWait(t *testing.T) {
	if raced {
		t.Skip("it measures time")
	}
	e, err := measure(t.Context(), hanging(), 10*troubled)
	if err != nil {
		t.Fatal(err)
	}
	if e.normal() || e.Refused > 0 {
		t.Errorf("%+v: the measurement does not show the effect without a bulkhead", e)
	}
	with, err := Measure(t.Context(), hanging(), httpclient.DefaultConcurrency)
	if err != nil {
		t.Fatal(err)
	}
	if !with.normal() || with.Refused == 0 {
		t.Errorf("with it: %+v", with)
	}
}

// crowd fills a process's bulkhead with hanging calls, until the test ends.
func crowd(t *testing.T, w *world) *process {
	t.Helper()
	p := w.process(unguarded(time.Minute))
	setFault(t, w, faultserver.Hang)
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for n := range httpclient.DefaultConcurrency {
		calls.Go(func() { _ = p.authorize(ctx, "hangs-"+strconv.Itoa(n), time.Minute) })
	}
	t.Cleanup(func() { cancel(); calls.Wait() })
	for w.server.Requests() < httpclient.DefaultConcurrency {
		time.Sleep(time.Millisecond)
	}
	return p
}

func TestCallsBeyondTheBulkheadAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := inhabit(t)
	p := crowd(t, w)
	var took []time.Duration
	for n := range troubled - httpclient.DefaultConcurrency {
		o := p.authorize(t.Context(), "k-"+strconv.Itoa(n), deadline)
		if !errors.Is(o.err, resilience.ErrFull) {
			t.Fatalf("%v, want that it is full", o.err)
		}
		took = append(took, o.took)
	}
	if median := quantile(took, .5); median > failFast {
		t.Errorf("the median refusal takes %v", median)
	}
	if n := w.server.Requests(); n != httpclient.DefaultConcurrency {
		t.Errorf("%d requests, want the bulkhead's", n)
	}
}

func TestFullBulkheadIsA503WithRetryAfter(t *testing.T) {
	t.Parallel()
	p := crowd(t, inhabit(t))
	h := httpapi.Handle("checkLiveness", func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
		return httpapi.Response{Status: http.StatusOK}, p.authorize(ctx, "k", deadline).err
	})
	in, err := json.Marshal(events.APIGatewayProxyRequest{HTTPMethod: http.MethodGet, Path: "/health/live"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var out events.APIGatewayProxyResponse
	var problem httpapi.Problem
	if err := errors.Join(json.Unmarshal(b, &out), json.Unmarshal([]byte(out.Body), &problem)); err != nil {
		t.Fatal(err)
	}
	if seconds, err := strconv.Atoi(out.Headers["Retry-After"]); out.StatusCode != http.StatusServiceUnavailable ||
		problem.Code != "Overloaded" || err != nil || seconds < 1 {
		t.Errorf("%d, Retry-After %q, %+v", out.StatusCode, out.Headers["Retry-After"], problem)
	}
}
