package httpapi_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

const shop = "https://shop.example"

// configured configures h with the allowed origins.
func configured(h function.Handler, allowed string) function.Handler {
	function.Configure(h, environment(map[string]string{"ALLOWED_ORIGINS": allowed}))
	return h
}

func from(origin string) func(*apiRequest) {
	return func(in *apiRequest) { in.Headers["origin"] = origin }
}

func TestOnlyListedOriginsAreAllowed(t *testing.T) {
	for _, c := range []struct {
		allowed, origin string
		varies, let     bool
	}{
		{"", shop, false, false},
		{shop, shop, true, true},
		{"https://other.example, " + shop, shop, true, true},
		{shop, "https://evil.example", true, false},
		{shop, shop + ".evil.example", true, false},
		{shop, "http://shop.example", true, false},
		{shop, "HTTPS://SHOP.EXAMPLE", true, false},
		{shop, "null", true, false},
		{shop, "", true, false},
		{"*", shop, true, false},
	} {
		h := configured(httpapi.Handle("adjustStock", ok), c.allowed)
		for name, change := range map[string]func(*apiRequest){
			"good": func(*apiRequest) {}, "refused": func(in *apiRequest) { in.Body = "{}" },
			"unknown": func(in *apiRequest) { in.RequestContext.Authorizer = nil },
		} {
			out, _ := answer(t, h, request(from(c.origin), change))
			want := ""
			if c.let {
				want = c.origin
			}
			got, vary := out.Headers["Access-Control-Allow-Origin"], out.Headers["Vary"]
			if got != want || (vary == "Origin") != c.varies {
				t.Errorf("%s to %q, %s: allowed %q, Vary %q", c.origin, c.allowed, name, got, vary)
			}
			if _, credentials := out.Headers["Access-Control-Allow-Credentials"]; credentials ||
				strings.Contains(got, "*") {
				t.Errorf("headers %v", out.Headers)
			}
			if c.let != strings.Contains(out.Headers["Access-Control-Expose-Headers"], "Location") {
				t.Errorf("%s to %q shows %q", c.origin, c.allowed, out.Headers["Access-Control-Expose-Headers"])
			}
		}
	}
}

func TestPreflightAllowsListedOriginsOnly(t *testing.T) {
	called := false
	live := httpapi.Handle("checkLiveness", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		called = true
		return httpapi.OK("up"), nil
	})
	h := configured(httpapi.WithPreflights(live), shop)
	ask := func(origin string) apiResponse {
		out, _ := answer(t, h, apiRequest{HTTPMethod: http.MethodOptions, Path: "/v1/orders", Resource: "/v1/orders",
			Headers: map[string]string{"Origin": origin, "Access-Control-Request-Method": "POST"}})
		if out.StatusCode != http.StatusNoContent || out.Body != "" {
			t.Errorf("%d %q", out.StatusCode, out.Body)
		}
		return out
	}
	got := ask(shop).Headers
	want := map[string]string{
		"Access-Control-Allow-Origin": shop, "Vary": "Origin", "Access-Control-Max-Age": "7200",
		"Access-Control-Allow-Methods": "GET, HEAD, POST, PUT",
		"Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, " +
			"X-Request-Timeout-Ms, traceparent, tracestate, " +
			"Connect-Protocol-Version, Connect-Timeout-Ms, Grpc-Timeout, X-Grpc-Web, X-User-Agent",
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	}
	if !maps.Equal(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
	for name := range ask("https://evil.example").Headers {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("an unlisted origin gets %s", name)
		}
	}
	if called {
		t.Error("the preflight reached the operation")
	}
	if out, err := h.Invoke(t.Context(), []byte("no request")); err == nil {
		t.Errorf("an invalid payload is answered with %s", out)
	}
	get := apiRequest{HTTPMethod: http.MethodGet, Path: "/health/live", Headers: map[string]string{"Origin": shop}}
	if out, _ := answer(t, h, get); out.Body != `"up"` || out.Headers["Access-Control-Allow-Origin"] != shop {
		t.Errorf("GET: %+v", out)
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	h := configured(httpapi.Route(map[string]httpapi.HandlerFunc{"checkOrders": ok, "getProduct": ok}), "")
	for _, in := range []apiRequest{
		{Path: "/health/orders", Resource: "/health/orders"},
		{Path: "/v1/products/mug", Resource: "/v1/products/{sku}"}, // without a token: 401
	} {
		in.HTTPMethod = http.MethodGet
		get, _ := answer(t, h, in)
		in.HTTPMethod = http.MethodHead
		head, err := h.Invoke(t.Context(), encoded(t, in))
		if err != nil {
			t.Fatal(err)
		}
		got := decoded(t, head)
		if got.StatusCode != get.StatusCode || !maps.Equal(got.Headers, get.Headers) || got.Body != "" ||
			get.Body == "" {
			t.Errorf("GET %+v\nHEAD %+v", get, got)
		}
	}
}

func encoded(t *testing.T, in apiRequest) []byte {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded(t *testing.T, b []byte) (out apiResponse) {
	t.Helper()
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
