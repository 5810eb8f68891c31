package httpclient_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestEachAttemptIsASpanThatIsPropagated(t *testing.T) {
	var sent []string
	c := config(t, func(w http.ResponseWriter, r *http.Request) {
		if sent = append(sent, r.Header.Get("traceparent")); len(sent) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answering(200, `{"cups":3}`)(w, r)
	})
	c.Retry = resilience.Policy{Attempts: 2}
	c.Sleep = func(context.Context, time.Duration) error { return nil }
	ctx, recorded := tracingtest.Record(t)
	err := httpclient.New(c).Do(ctx, httpclient.Request{Method: http.MethodGet, Path: "/pots/ada@example.com"}, nil)
	spans := recorded.Spans()
	if err != nil || len(spans) != 2 || len(sent) != 2 {
		t.Fatalf("%v, %d spans of %d attempts", err, len(spans), len(sent))
	}
	for i, want := range []map[string]string{
		{"http.request.resend_count": "0", "http.response.status_code": "503", "error.type": "503"},
		{"http.request.resend_count": "1", "http.response.status_code": "200"},
	} {
		want["dependency"], want["http.request.method"], want["probe"] = "teapot", "GET", "false"
		s, tags := spans[i], tracingtest.Tags(spans[i])
		if len(tags) != len(want) || s.Name != "GET teapot" || s.Kind != tracing.Client || s.Failed != (i == 0) {
			t.Errorf("attempt %d: %+v", i+1, s)
		}
		for name, v := range want {
			if tags[name] != v {
				t.Errorf("attempt %d: %s = %q, want %q", i+1, name, tags[name], v)
			}
		}
		if sent[i][36:52] != s.ID.String() {
			t.Errorf("attempt %d sent %s, its span is %s", i+1, sent[i], s.ID)
		}
	}
}

func TestFailedAttemptsSpanHasTheKindOfError(t *testing.T) {
	down := config(t, nil)
	down.Transport = unreachable{}
	slow := config(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	slow.Timeout = 20 * time.Millisecond
	for want, c := range map[string]httpclient.Config{
		"402": config(t, answering(402, `{"code":"card_declined"}`)), "Answer": config(t, answering(200, "<html>")),
		"Network": down, "Timeout": slow,
	} {
		ctx, recorded := tracingtest.Record(t)
		var out struct{}
		if err := httpclient.New(c).Do(ctx, httpclient.Request{Method: http.MethodGet}, &out); err == nil {
			t.Errorf("%s: no error", want)
		}
		if s := recorded.Named(t, "GET teapot"); !s.Failed || tracingtest.Tags(s)["error.type"] != want {
			t.Errorf("%s: %+v", want, s)
		}
	}
}
