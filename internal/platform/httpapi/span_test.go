package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestRequestSpanHasStatusAndCallersTrace(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, c := range map[string]struct {
		err    error
		status string
		code   string
		failed bool
	}{
		"answered": {nil, "200", "", false},
		"refused":  {fault.New(fault.Conflict, "OrderNotCancellable", "no"), "409", "OrderNotCancellable", false},
		"failed":   {errors.New("a@example.com is stuck"), "503", "Transient", true},
	} {
		in := request(func(in *apiRequest) {
			in.Resource, in.Headers["traceparent"] = "/v1/stock/{sku}/adjustments", parent
		})
		payload, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		h := httpapi.Handle("adjustStock", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(nil), c.err
		})
		ctx, recorded := tracingtest.Record(t)
		if _, err := h.Invoke(ctx, payload); err != nil {
			t.Fatal(err)
		}
		s := recorded.Named(t, "POST /v1/stock/{sku}/adjustments")
		tags := tracingtest.Tags(s)
		if s.Kind != tracing.Server || s.Parent.IsValid() || s.Trace.String() == parent[3:35] || s.Failed != c.failed {
			t.Errorf("%s: span %+v", name, s)
		}
		want := map[string]string{
			"http.request.method": http.MethodPost, "http.route": "/v1/stock/{sku}/adjustments",
			"operation":                 "adjustStock",
			"http.response.status_code": c.status, "error.type": c.code, "trace.caller": parent[3:35],
		}
		for tag, v := range want {
			if tags[tag] != v {
				t.Errorf("%s: %s = %q, want %q", name, tag, tags[tag], v)
			}
		}
		if len(tags) > len(want) {
			t.Errorf("%s: unexpected tags: %v", name, tags)
		}
	}
}
