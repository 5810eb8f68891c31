package collector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow/internal/dev/collector"
	"orderflow/internal/ops/traces"
	"orderflow/internal/platform/tracing/zipkin"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

func span(trace, id, parent string, at int64, tags map[string]string) zipkin.Span {
	return zipkin.Span{TraceID: trace, ID: id, ParentID: parent, Name: "span " + id, Timestamp: at, Duration: 1500,
		Local: zipkin.Endpoint{ServiceName: "f"}, Tags: tags}
}

// placed is the trace of an order, its spans in the order of their ends.
func placed(trace string, at int64) []zipkin.Span {
	return []zipkin.Span{
		span(trace, "b", "a", at+1000, map[string]string{"error": "OutOfStock"}),
		span(trace, "c", "gone", at+2000, nil),
		span(trace, "a", "", at, map[string]string{"operation": "placeOrder", "orderId": order}),
	}
}

func startCollector(t *testing.T) (base string, log *bytes.Buffer) {
	log = &bytes.Buffer{}
	server := httptest.NewServer((&collector.Store{Log: log, Name: "mine"}).Handler())
	t.Cleanup(server.Close)
	return server.URL, log
}

func call(t *testing.T, method, url string, body any) (status int, answer string) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var text bytes.Buffer
	_, _ = text.ReadFrom(res.Body)
	return res.StatusCode, text.String()
}

func TestCollectorHasZipkinsAPI(t *testing.T) {
	base, log := startCollector(t)
	for _, spans := range [][]zipkin.Span{placed("t1", 1_000_000),
		{span("t2", "x", "", 2_000_000, map[string]string{"orderId": order})}, placed("t3", 3_000_000)} {
		if status, _ := call(t, http.MethodPost, base+"/api/v2/spans", spans); status != http.StatusAccepted {
			t.Errorf("spans: %d", status)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 7 {
		t.Errorf("%d lines are kept, want 7", n)
	}
	status, answer := call(t, http.MethodGet, base+"/api/v2/trace/t1", nil)
	var spans []zipkin.Span
	if err := json.Unmarshal([]byte(answer), &spans); err != nil || status != 200 || len(spans) != 3 ||
		spans[0].ID != "a" || spans[2].ID != "c" {
		t.Errorf("trace: %d %s", status, answer)
	}
	for path, want := range map[string]int{
		"/api/v2/trace/t9": 404, "/api/v2/traces?limit=0": 400, "/api/v2/traces?limit=x": 400, "/nowhere": 404,
		"/health": 200,
	} {
		if status, answer := call(t, http.MethodGet, base+path, nil); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, answer, want)
		}
	}
	if status, _ := call(t, http.MethodPost, base+"/api/v2/spans", "no list"); status != http.StatusBadRequest {
		t.Errorf("not a list of spans: %d", status)
	}
	for query, want := range map[string]string{
		"": "t3 t2 t1", "limit=1": "t3", "annotationQuery=error": "t3 t1", "annotationQuery=orderId%3D" + order +
			"+and+operation%3DplaceOrder": "t3 t1",
		"annotationQuery=orderId%3Dother": "", "annotationQuery=orderId&limit=2": "t3 t2",
	} {
		_, answer := call(t, http.MethodGet, base+"/api/v2/traces?"+query, nil)
		var found [][]zipkin.Span
		if err := json.Unmarshal([]byte(answer), &found); err != nil || found == nil {
			t.Errorf("%s: %s", query, answer)
		}
		var ids []string
		for _, f := range found {
			ids = append(ids, f[0].TraceID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

func TestWebPagesCannotUseTheCollector(t *testing.T) {
	base, log := startCollector(t)
	for _, c := range []struct{ method, path, host, header, value string }{
		{http.MethodPost, "/api/v2/spans", "", "Origin", "https://shop.example"},
		{http.MethodPost, "/api/v2/spans", "", "Origin", "null"},
		{http.MethodGet, "/api/v2/traces", "", "Sec-Fetch-Site", "cross-site"},
		{http.MethodGet, "/api/v2/traces", "rebound.example", "", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, strings.NewReader("[]"))
		if err != nil {
			t.Fatal(err)
		}
		if req.Host = c.host; c.header != "" {
			req.Header.Set(c.header, c.value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%+v is answered %d, want 403", c, res.StatusCode)
		}
	}
	if log.Len() > 0 {
		t.Errorf("it kept %q", log)
	}
}

func TestTraceOfAnOrderIsTheOneThatPlacedIt(t *testing.T) {
	base, _ := startCollector(t)
	if _, err := traces.Of(t.Context(), base, order); !errors.Is(err, traces.ErrNone) {
		t.Errorf("without any: %v, want ErrNone", err)
	}
	call(t, http.MethodPost, base+"/api/v2/spans", placed("t1", 1_000_000))
	call(t, http.MethodPost, base+"/api/v2/spans",
		[]zipkin.Span{span("t2", "x", "", 2_000_000, map[string]string{"orderId": order, "operation": "getOrder"})})
	if spans, err := traces.Of(t.Context(), base, order); err != nil || spans[0].TraceID != "t1" {
		t.Errorf("%+v, %v", spans, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := traces.Of(gone, base, order); err == nil {
		t.Error("no error after cancellation")
	}
	if _, err := traces.Of(t.Context(), base+"/nowhere", order); err == nil || errors.Is(err, traces.ErrNone) {
		t.Errorf("without a collector: %v", err)
	}
}

func TestOldestSpansAreDropped(t *testing.T) {
	s := &collector.Store{}
	const each = 1000
	for n := range collector.Limit/each + 1 {
		batch := make([]zipkin.Span, each)
		for i := range batch {
			batch[i] = span(fmt.Sprint(n), fmt.Sprint(i), "", int64(n), nil)
		}
		if err := s.Add(batch); err != nil {
			t.Fatal(err)
		}
	}
	if first, last := s.Trace("0"), s.Trace(fmt.Sprint(collector.Limit/each)); len(first) != 0 || len(last) != each {
		t.Errorf("%d spans of the first trace and %d of the last, want 0 and %d", len(first), len(last), each)
	}
}

func TestTraceIsPrintedAsATree(t *testing.T) {
	s := &collector.Store{}
	if err := s.Add(placed("t1", 1_000_000)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := traces.Write(&out, s.Trace("t1")); err != nil {
		t.Fatal(err)
	}
	want := `trace t1, 3 spans
  0.000 s       1.5 ms  span a  [f]
  0.001 s       1.5 ms    span b  [f]  ✗ OutOfStock
  0.002 s       1.5 ms  span c  [f]
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestControlCharactersInTracesAreEscaped(t *testing.T) {
	var out bytes.Buffer
	if err := traces.Write(&out,
		[]zipkin.Span{span("t", "a\x1b[31m\nb", "", 1, map[string]string{"error": "\u202eE"})}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, `span a\u001b[31m\u000ab`) || !strings.Contains(got, `\u202eE`) {
		t.Errorf("got %q", got)
	}
}
