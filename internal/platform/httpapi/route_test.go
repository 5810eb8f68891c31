package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"orderflow/internal/platform/httpapi"
)

func TestEachRouteIsCheckedAgainstItsOperation(t *testing.T) {
	says := func(what string) httpapi.HandlerFunc {
		return func(context.Context, *httpapi.Request) (httpapi.Response, error) { return httpapi.OK(what), nil }
	}
	h := httpapi.Route(map[string]httpapi.HandlerFunc{"checkOrders": says("little"), "inspectOrders": says("all")})
	for _, c := range []struct {
		name, method, resource, path string
		claims                       any
		status                       int
		body                         string
	}{
		{"public", "GET", "/health/orders", "/health/orders", nil, 200, `"little"`},
		{"operator on the public route", "GET", "/health/orders", "/health/orders", claims("operator"), 200,
			`"little"`},
		{"an operator", "GET", "/v1/health/orders", "/v1/health/orders", claims("operator"), 200, `"all"`},
		{"behind a base path", "GET", "/v1/health/orders", "/shop/v1/health/orders", claims("operator"), 200, `"all"`},
		{"no caller on the operators' route", "GET", "/v1/health/orders", "/health/orders", nil, 401, ""},
		{"a customer", "GET", "/v1/health/orders", "/v1/health/orders", claims("customer"), 403, ""},
		{"another method", "POST", "/health/orders", "/health/orders", nil, 500, ""},
		{"another route", "GET", "/v1/orders", "/v1/health/orders", claims("operator"), 500, ""},
	} {
		in := apiRequest{HTTPMethod: c.method, Resource: c.resource, Path: c.path}
		if c.claims != nil {
			in.RequestContext.Authorizer = map[string]any{"claims": c.claims}
		}
		out, _ := answer(t, h, in)
		if out.StatusCode != c.status || c.status == http.StatusOK && out.Body != c.body {
			t.Errorf("%s: %d %s", c.name, out.StatusCode, out.Body)
		}
	}
	if _, err := h.Invoke(t.Context(), []byte(`[]`)); err == nil {
		t.Error("an invalid payload passes")
	}
}

func TestRouteWithAnUnknownOperationDoesNotStart(t *testing.T) {
	doesNotStart(t, httpapi.Route(map[string]httpapi.HandlerFunc{"checkLiveness": ok, "checkNothing": nil}))
}
