package zipkin_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/zipkin"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func finished() tracing.Finished {
	return tracing.Finished{
		Trace: trace.TraceID{1, 15: 2}, ID: trace.SpanID{3}, Parent: trace.SpanID{4},
		Function: "brew-tea", Name: "POST kettle",
		Kind: trace.SpanKindClient, Began: at, Ended: at.Add(1500 * time.Microsecond), Failed: true,
		Attributes: []attribute.KeyValue{
			attribute.Int("cups", 3), tracing.KeyDependency.String("kettle"), tracing.KeyError.String("Cold"),
		},
	}
}

func TestSpanIsConvertedToAZipkinSpan(t *testing.T) {
	want := zipkin.Span{
		TraceID: "01000000000000000000000000000002", ID: "0300000000000000", ParentID: "0400000000000000",
		Kind: "CLIENT", Name: "POST kettle", Timestamp: 1767323045000006, Duration: 1500,
		Local: zipkin.Endpoint{ServiceName: "brew-tea"}, Remote: &zipkin.Endpoint{ServiceName: "kettle"},
		Tags: map[string]string{"cups": "3", "dependency": "kettle", "error.type": "Cold", "error": "Cold"},
	}
	if diff := cmp.Diff(want, zipkin.Of(finished())); diff != "" {
		t.Error(diff)
	}
	f := finished()
	f.Ended, f.Kind, f.LambdaParent, f.Failed = at, trace.SpanKindInternal, true, false
	if s := zipkin.Of(f); s.Duration != 1 || s.Kind != "" || s.ParentID != "" || s.Tags["error"] != "" {
		t.Errorf("instant span within a function, below Lambda's segment: %+v", s)
	}
}

// next is how many spans the next request had.
func next(t *testing.T, got <-chan int) int {
	t.Helper()
	select {
	case n := <-got:
		return n
	case <-time.After(10 * time.Second):
		t.Fatal("no request came")
		return 0
	}
}

func TestTheSpansOfAnInvocationGoOutAtItsEndInOneRequest(t *testing.T) {
	got := make(chan int, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var spans []zipkin.Span
		if err := json.NewDecoder(r.Body).Decode(&spans); err != nil || r.URL.Path != "/api/v2/spans" {
			t.Errorf("%s: %v", r.URL, err)
		}
		got <- len(spans)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	e := &zipkin.Exporter{URL: server.URL, Clock: clock.At(at), Limit: time.Minute}
	e.Flush(t.Context()) // nothing to send
	var wg sync.WaitGroup
	for range zipkin.Buffer + 7 {
		wg.Go(func() { e.Export(finished()) })
	}
	wg.Wait()
	over, cancel := context.WithCancel(t.Context())
	cancel() // the invocation ran out of time
	e.Flush(over)
	e.Export(finished())
	e.Flush(t.Context())
	if first, second := next(t, got), next(t, got); len(got) != 0 || first != zipkin.Buffer || second != 1 {
		t.Errorf("requests of %d and %d spans and %d more, want one of %d and one of 1",
			first, second, len(got), zipkin.Buffer)
	}
}

func TestUndeliveredSpansAreSentWithTheNextOnes(t *testing.T) {
	got := make(chan int, 10)
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var spans []zipkin.Span
		_ = json.NewDecoder(r.Body).Decode(&spans)
		w.WriteHeader(status)
		got <- len(spans)
	}))
	defer server.Close()
	c := clock.At(at)
	e := &zipkin.Exporter{URL: server.URL, Clock: c, Limit: time.Minute}
	for range zipkin.Buffer - 1 {
		e.Export(finished())
	}
	e.Flush(t.Context())
	n := next(t, got)
	status = http.StatusAccepted
	for range 3 {
		e.Export(finished())
	}
	e.Flush(t.Context()) // it rests
	c.Advance(zipkin.Rest)
	e.Flush(t.Context())
	e.Flush(t.Context()) // nothing is left
	if again := next(t, got); n != zipkin.Buffer-1 || again != zipkin.Buffer || len(got) != 0 {
		t.Errorf("sent %d, then %d spans and %d requests more", n, again, len(got))
	}
}

// A collector that is down costs an invocation no more than the limit, and the next ones nothing
// for a while.
func TestUnavailableCollectorCostsSpansAndLittleTime(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	var asked atomic.Int32
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer broken.Close()
	for name, url := range map[string]string{
		"silent": "http://" + silent.Addr().String(), "refusing": "http://127.0.0.1:1", "broken": broken.URL,
		"no address": "http://[", "no name": "http://collector.invalid",
	} {
		c := clock.At(at)
		e := &zipkin.Exporter{URL: url, Clock: c}
		for n, limit := range []time.Duration{zipkin.FlushLimit + 100*time.Millisecond, 20 * time.Millisecond} {
			e.Export(finished())
			begin := time.Now()
			e.Flush(t.Context())
			if took := time.Since(begin); took > limit {
				t.Errorf("%s: flush %d took %s, want at most %s", name, n+1, took, limit)
			}
		}
		c.Advance(zipkin.Rest)
		e.Export(finished())
		e.Flush(t.Context())
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the broken collector was asked %d times, want once and once after its rest", n)
	}
}
