package function

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/xray"
	"orderflow/internal/platform/tracing/zipkin"
)

func TestEnvironmentSelectsTheExporter(t *testing.T) {
	const url, daemon = "http://127.0.0.1:9411", "127.0.0.1:2000"
	for name, c := range map[string]struct {
		vars  map[string]string
		want  string
		ratio float64
	}{
		"nowhere":         {map[string]string{tracesURL: ""}, "nowhere", 0},
		"X-Ray":           {map[string]string{xrayDaemon: daemon, tracesURL: ""}, "xray", .05},
		"collector":       {map[string]string{tracesURL: url}, "zipkin", 1},
		"collector first": {map[string]string{tracesURL: url, xrayDaemon: daemon, sampling: "0.25"}, "zipkin", .25},
		"ratio 0":         {map[string]string{tracesURL: url, sampling: "0"}, "zipkin", 0},
		"invalid ratio":   {map[string]string{tracesURL: url, sampling: "some"}, "zipkin", 1},
		"ratio above 1":   {map[string]string{tracesURL: url, sampling: "1.5"}, "zipkin", 1},
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
				t.Errorf("%s: %+v, want ratio %v", name, p, c.ratio)
			}
		}
		if got != c.want {
			t.Errorf("%s: exporter %s, want %s", name, got, c.want)
		}
	}
}

func TestSpansAreSentAtTheEndOfTheInvocation(t *testing.T) {
	var taken atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		taken.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer collector.Close()
	handler := HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx, span := tracing.Start(Traced(ctx, string(payload)), Name(ctx), tracing.Server)
		defer span.End()
		if n := taken.Load(); n != 0 {
			t.Errorf("%d requests to the collector during the invocation", n)
		}
		return []byte(tracing.TraceID(ctx)), nil
	})
	const lambda = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
	const explicit = "00-11111111111111111111111111111111-2222222222222222-01"
	//nolint:staticcheck // the Lambda library's own key
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", lambda)
	for payload, want := range map[string]string{"": "0af7651916cd43dd8448eb211c80319c", explicit: explicit[3:35]} {
		sending := provider(lookup(map[string]string{tracesURL: collector.URL}), "f", clock.System{})
		for sent, p := range []*tracing.Provider{nil, sending} {
			taken.Store(0)
			out, err := traced(p, handler).Invoke(ctx, []byte(payload))
			if err != nil || string(out) != want || int(taken.Load()) != sent {
				t.Errorf("%q: trace %s, %v, %d requests to the collector; want %s and %d",
					payload, out, err, taken.Load(), want, sent)
			}
		}
	}
}

func TestUnreachableCollectorFailsNoInvocation(t *testing.T) {
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

func TestAWSClientsMakeSpans(t *testing.T) {
	if n := len(cloud("").AWS().APIOptions); n != 1 {
		t.Errorf("%d options, want the one for spans", n)
	}
}

func TestFunctionsOfOneProcessHaveTheirOwnNames(t *testing.T) {
	var names [2]string
	for i, name := range []string{"place-order", "get-order"} {
		h, err := Compose(io.Discard, NewEnv(lookup(nil), clock.System{}), "orders", name, func(*Env) Handler {
			return HandlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
				names[i] = Name(ctx)
				return nil, nil
			})
		})
		if err == nil {
			_, err = h.Invoke(t.Context(), nil)
		}
		if err != nil || names[i] != name {
			t.Errorf("%s is %q, %v", name, names[i], err)
		}
	}
}
