package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/metrics/metricstest"
)

func TestLogLinesHaveTheOperationAndAValidOrderIDOnly(t *testing.T) {
	const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	for id, want := range map[string]any{order: order, "ada@example.com": nil, "": nil} {
		var out bytes.Buffer
		handler := func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			function.Logger(&out, "f").LogAttrs(ctx, slog.LevelInfo, "x")
			return httpapi.OK(nil), nil
		}
		in := request()
		in.PathParameters["orderId"] = id
		if res, _ := send(t, "adjustStock", in, handler); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, res.Body)
		}
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["orderId"] != want ||
			line["operation"] != "adjustStock" {
			t.Errorf("%q: %v, logged %s", id, err, out.String())
		}
	}
}

func TestOnlyReplaysAreCounted(t *testing.T) {
	ctx, recording := metricstest.On(t, clock.System{})
	for replayed, want := range map[bool]int{false: 0, true: 1} {
		h := httpapi.Handle("adjustStock", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(nil).Replayed(replayed), nil
		})
		payload, _ := json.Marshal(request())
		if _, err := h.Invoke(ctx, payload); err != nil {
			t.Fatal(err)
		}
		if got := recording.Take(); len(got) != want {
			t.Errorf("replayed %t: recorded %q", replayed, got)
		}
	}
}
