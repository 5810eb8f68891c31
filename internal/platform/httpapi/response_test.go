package httpapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"testing"

	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/idempotency"
)

func TestResponsesForbidCachingAndSniffing(t *testing.T) {
	for name, answer := range map[string]httpapi.Response{"good": httpapi.OK(1),
		"empty": {Status: http.StatusNoContent}} {
		out, _ := send(t, "checkLiveness", apiRequest{HTTPMethod: http.MethodGet, Path: "/health/live"},
			func(context.Context, *httpapi.Request) (httpapi.Response, error) { return answer, nil })
		if out.Headers["Cache-Control"] != "no-store" || out.Headers["X-Content-Type-Options"] != "nosniff" {
			t.Errorf("%s: headers %v", name, out.Headers)
		}
		if (out.Body == "") != (answer.Body == nil) ||
			(out.Headers["Content-Type"] == "application/json") != (answer.Body != nil) {
			t.Errorf("%s: %q as %q", name, out.Body, out.Headers["Content-Type"])
		}
	}
}

func TestAcceptedHasALocation(t *testing.T) {
	out, _ := send(t, "adjustStock", request(), func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.Accepted("orders/1", "soon").Replayed(true), nil
	})
	if out.StatusCode != http.StatusAccepted || out.Headers["Location"] != "orders/1" || out.Body != `"soon"` ||
		out.Headers["Idempotent-Replayed"] != "true" {
		t.Errorf("%+v", out)
	}
}

func TestMemberResolvesBehindAnyBasePath(t *testing.T) {
	for _, base := range []string{
		"https://api.example", "https://id.execute-api.example/prod", "https://api.example/shop/v",
		"http://127.0.0.1:4566/restapis/x/local/_user_request_",
	} {
		for _, end := range []string{"", "/"} {
			asked, err := url.Parse(base + "/v1/orders" + end)
			if err != nil {
				t.Fatal(err)
			}
			send(t, "adjustStock", request(func(in *apiRequest) { in.Path = "/v1/orders" + end }),
				func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
					if to, err := asked.Parse(r.Member("1")); err != nil || to.String() != base+"/v1/orders/1" {
						t.Errorf("%s refers to %s, %v", asked, to, err)
					}
					return httpapi.OK(nil), nil
				})
		}
	}
}

func TestOnlyReplaysAreMarked(t *testing.T) {
	if h := httpapi.OK(1).Replayed(true).Header["Idempotent-Replayed"]; h != "true" {
		t.Errorf("replay: %q", h)
	}
	if h, marked := httpapi.OK(1).Replayed(false).Header["Idempotent-Replayed"]; marked {
		t.Errorf("first answer: %q", h)
	}
}

func TestUnencodableResponseFailsTheInvocation(t *testing.T) {
	h := httpapi.Handle("checkLiveness", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.OK(math.NaN()), nil
	})
	if out, err := h.Invoke(t.Context(), []byte(`{"httpMethod":"GET","path":"/health/live"}`)); err == nil {
		t.Errorf("answered %s", out)
	}
}

// key returns the request as package idempotency identifies it.
func key(t *testing.T, change func(*apiRequest)) (got idempotency.Request) {
	t.Helper()
	send(t, "adjustStock", request(func(in *apiRequest) { in.Headers["idempotency-key"] = "k-1" }, change),
		func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
			got = r.Idempotency()
			return httpapi.OK(nil), nil
		})
	return got
}

func TestIdempotencyKeyIsScopedToCallerAndOperation(t *testing.T) {
	first := key(t, func(*apiRequest) {})
	if first.Key != "k-1" || first.Scope != "customer-1#adjustStock" {
		t.Errorf("key %q in scope %q", first.Key, first.Scope)
	}
	for name, change := range map[string]func(*apiRequest){
		"another trace":     func(in *apiRequest) { in.Headers["traceparent"] = "another" },
		"reordered members": func(in *apiRequest) { in.Body = `{"reason":"delivery","delta":7}` },
		"white space":       func(in *apiRequest) { in.Body = "{\n  \"delta\" : 7,\t\"reason\":\"delivery\" }" },
		"7.0 for 7":         func(in *apiRequest) { in.Body = `{"delta":7.0,"reason":"delivery"}` },
		"escapes":           func(in *apiRequest) { in.Body = `{"\u0064elta":7,"reason":"\u0064elivery"}` },
		"trailing slash":    func(in *apiRequest) { in.Path += "/" },
		"base64": func(in *apiRequest) {
			in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.Body)), true
		},
	} {
		if same := key(t, change); same.Hash != first.Hash || same.Scope != first.Scope {
			t.Errorf("%s changes the hash or scope", name)
		}
	}
	for name, change := range map[string]func(*apiRequest){
		"body": func(in *apiRequest) { in.Body = `{"delta":8,"reason":"delivery"}` },
		"path": func(in *apiRequest) {
			in.Path, in.PathParameters = "/v1/stock/cup/adjustments", map[string]string{"sku": "cup"}
		},
	} {
		if other := key(t, change); other.Hash == first.Hash || other.Scope != first.Scope {
			t.Errorf("another %s has the same hash or another scope", name)
		}
	}
	other := key(t, func(in *apiRequest) {
		c := claims("operator")
		c["sub"] = "customer-2"
		in.RequestContext.Authorizer["claims"] = c
	})
	if other.Scope == first.Scope {
		t.Error("two customers share a scope")
	}
}

func TestCustomersSeeTheirOwnAndOperatorsSeeAll(t *testing.T) {
	me, operator := httpapi.Identity{Subject: "me"}, httpapi.Identity{Subject: "op", Groups: []string{httpapi.Operator}}
	if !me.MaySee("me") || me.MaySee("you") || me.MaySee("") || !operator.MaySee("you") {
		t.Error("MaySee is wrong")
	}
}

func TestProblemOmitsEmptyMembers(t *testing.T) {
	b, err := json.Marshal(httpapi.Problem{Type: "t", Title: "t", Status: 404, Detail: "d", Code: "c"})
	if err != nil || string(b) != `{"type":"t","title":"t","status":404,"detail":"d","code":"c"}` {
		t.Errorf("%s, %v", b, err)
	}
}

// The previous version's records are kept for a day.
func TestRequestKeepsThePreviousVersionsHash(t *testing.T) {
	got := key(t, func(in *apiRequest) { in.Body = `{"delta":7,"reason":"delivery"}` })
	want := idempotency.Hash([]byte("/v1/stock/mug/adjustments"), []byte(`{"delta":7,"reason":"delivery"}`))
	if got.Formerly != want {
		t.Errorf("%s, want the hash of path and body %s", got.Formerly, want)
	}
}
