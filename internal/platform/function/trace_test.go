package function

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/xray"
	"orderflow/internal/platform/tracing/zipkin"
)

func TestTheEnvironmentSaysWhereSpansGo(t *testing.T) {
	const url, daemon = "http://127.0.0.1:9411", "127.0.0.1:2000"
	for name, c := range map[string]struct {
		vars  map[string]string
		want  string
		ratio float64
	}{
		"nowhere":             {map[string]string{tracesURL: ""}, "nowhere", 0},
		"X-Ray":               {map[string]string{xrayDaemon: daemon, tracesURL: ""}, "xray", .05},
		"a collector":         {map[string]string{tracesURL: url}, "zipkin", 1},
		"a collector first":   {map[string]string{tracesURL: url, xrayDaemon: daemon, sampling: "0.25"}, "zipkin", .25},
		"a share of nothing":  {map[string]string{tracesURL: url, sampling: "0"}, "zipkin", 0},
		"a share of nonsense": {map[string]string{tracesURL: url, sampling: "some"}, "zipkin", 1},
		"more than all":       {map[string]string{tracesURL: url, sampling: "1.5"}, "zipkin", 1},
	} {
		p := provider(lookup(c.vars), "brew-tea", clock.System{})
		got := "nowhere"
		if p != nil {
			switch p.Exporter.(type) {
			case *xray.Exporter:
				got = "xray"
			case *zipkin.Exporter:
				got = "zipkin"
			}
			if p.Ratio != c.ratio || p.Function != "brew-tea" {
				t.Errorf("%s: %+v, want the share %v", name, p, c.ratio)
			}
		}
		if got != c.want {
			t.Errorf("%s: spans go to %s, want %s", name, got, c.want)
		}
	}
}

func TestAnInvocationIsTracedAndItsSpansAreSentAtItsEnd(t *testing.T) {
	var taken atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		taken.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer collector.Close()
	handler := HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx, span := tracing.Start(Traced(ctx, string(payload)), Name(), tracing.Server)
		defer span.End()
		if n := taken.Load(); n != 0 {
			t.Errorf("%d requests to the collector while the invocation runs", n)
		}
		return []byte(tracing.TraceID(ctx)), nil
	})
	const lambda = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
	const explicit = "00-11111111111111111111111111111111-2222222222222222-01"
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", lambda) //nolint:staticcheck // the Lambda library's own name
	for payload, want := range map[string]string{"": "0af7651916cd43dd8448eb211c80319c", explicit: explicit[3:35]} {
		for sent, p := range []*tracing.Provider{nil, provider(lookup(map[string]string{tracesURL: collector.URL}), "f", clock.System{})} {
			taken.Store(0)
			out, err := traced(p, handler).Invoke(ctx, []byte(payload))
			if err != nil || string(out) != want || int(taken.Load()) != sent {
				t.Errorf("%q: trace %s, %v, %d requests to the collector; want %s and %d", payload, out, err, taken.Load(), want, sent)
			}
		}
	}
}

func TestACollectorThatIsGoneFailsNoInvocation(t *testing.T) {
	p := provider(lookup(map[string]string{tracesURL: "http://127.0.0.1:1"}), "f", clock.System{})
	out, err := traced(p, HandlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		_, span := tracing.Start(ctx, "x", tracing.Internal)
		span.End()
		return []byte("fine"), nil
	})).Invoke(t.Context(), nil)
	if string(out) != "fine" || err != nil {
		t.Errorf("%s, %v", out, err)
	}
}

func TestClientsOfAWSMakeSpans(t *testing.T) {
	vars := map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}
	if n := len(NewEnv(lookup(vars), clock.System{}).AWS().APIOptions); n != 1 {
		t.Errorf("%d options, want the one that makes spans", n)
	}
}
