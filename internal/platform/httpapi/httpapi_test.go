package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/tracing"
)

type (
	apiRequest  = events.APIGatewayProxyRequest
	apiResponse = events.APIGatewayProxyResponse
)

// request is a valid call of adjustStock by an operator, changed by change.
func request(change ...func(*apiRequest)) apiRequest {
	in := apiRequest{
		HTTPMethod: http.MethodPost, Path: "/v1/stock/mug/adjustments", PathParameters: map[string]string{"sku": "mug"},
		Headers:        map[string]string{"Content-Type": "application/json"},
		Body:           `{"delta":7,"reason":"delivery"}`,
		RequestContext: events.APIGatewayProxyRequestContext{Authorizer: map[string]any{"claims": claims("operator")}},
	}
	for _, c := range change {
		c(&in)
	}
	return in
}

func claims(groups any) map[string]any {
	return map[string]any{
		"sub": "customer-1", "email": "a@example.com", "email_verified": "true", "token_use": "id",
		"cognito:groups": groups,
	}
}

// send invokes operation id.
func send(t *testing.T, id string, in apiRequest, handle httpapi.HandlerFunc) (apiResponse, httpapi.Problem) {
	t.Helper()
	return answer(t, httpapi.Handle(id, handle), in)
}

// answer invokes h. A response of 400 and above must be a problem document.
func answer(t *testing.T, h function.Handler, in apiRequest) (apiResponse, httpapi.Problem) {
	t.Helper()
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var out apiResponse
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	var p httpapi.Problem
	if out.StatusCode >= 400 {
		if err := json.Unmarshal([]byte(out.Body), &p); err != nil ||
			out.Headers["Content-Type"] != "application/problem+json" {
			t.Errorf("%d is not a problem document: %v %s", out.StatusCode, out.Headers, out.Body)
		}
	}
	return out, p
}

func ok(context.Context, *httpapi.Request) (httpapi.Response, error) {
	return httpapi.OK(map[string]string{}), nil
}

// refused asserts that the request is refused with the status and code and not handled.
func refused(t *testing.T, name, id string, in apiRequest, status int, code string) (apiResponse, httpapi.Problem) {
	t.Helper()
	out, p := send(t, id, in, func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		t.Errorf("%s was handled", name)
		return httpapi.OK(nil), nil
	})
	if out.StatusCode != status || p.Status != status || p.Code != code || p.Title != http.StatusText(status) ||
		p.Type != "https://orderflow.example/problems/"+code || p.Instance != in.Path || p.Detail == "" {
		t.Errorf("%s: %d %+v; want %d %s", name, out.StatusCode, p, status, code)
	}
	return out, p
}

func TestMissingIdentityIs401(t *testing.T) {
	for name, authorizer := range map[string]map[string]any{
		"no authorizer": nil,
		"no claims":     {"principalId": "customer-1"},
		"claims a text": {"claims": "sub=customer-1"},
		"no subject":    {"claims": map[string]any{"token_use": "id"}},
		"access token":  {"claims": map[string]any{"sub": "c-1", "token_use": "access", "cognito:groups": "operator"}},
		"no token use":  {"claims": map[string]any{"sub": "customer-1", "cognito:groups": "operator"}},
	} {
		out, _ := refused(t, name, "adjustStock", request(func(in *apiRequest) {
			in.RequestContext.Authorizer = authorizer
			in.Headers["Authorization"], in.Headers["claims"] = "Bearer x", `{"sub":"customer-1"}`
		}), http.StatusUnauthorized, "Unauthenticated")
		if challenge, ok := out.Headers["WWW-Authenticate"]; ok {
			t.Errorf("%s: API Gateway would rename the challenge %q", name, challenge)
		}
	}
}

func TestGroupOperationRequiresMembership(t *testing.T) {
	for _, groups := range []any{nil, "", "customers", "operators", "[a b]", []any{"customers", 7}, 7} {
		refused(t, "outsider", "adjustStock", request(func(in *apiRequest) {
			in.RequestContext.Authorizer["claims"] = claims(groups)
		}), http.StatusForbidden, "Forbidden")
	}
	for _, groups := range []any{"operator", "staff,operator", "[staff operator]", []any{"staff", "operator"}} {
		out, _ := send(t, "adjustStock", request(func(in *apiRequest) {
			in.RequestContext.Authorizer["claims"] = claims(groups)
		}), ok)
		if out.StatusCode != http.StatusOK {
			t.Errorf("member by %v: %d", groups, out.StatusCode)
		}
	}
}

func TestPublicOperationNeedsNoIdentity(t *testing.T) {
	in := apiRequest{HTTPMethod: http.MethodGet, Path: "/health/live"}
	if out, _ := send(t, "checkLiveness", in, ok); out.StatusCode != http.StatusOK {
		t.Errorf("status %d", out.StatusCode)
	}
}

func TestBodyOver64KiBIs413(t *testing.T) {
	fill := func(n int) string {
		const start, end = `{"delta":7,"reason":"x"`, `}`
		return start + strings.Repeat(" ", n-len(start)-len(end)) + end
	}
	out, _ := send(t, "adjustStock", request(func(in *apiRequest) { in.Body = fill(httpapi.MaxBody) }), ok)
	if out.StatusCode != http.StatusOK {
		t.Errorf("64 KiB: %d", out.StatusCode)
	}
	refused(t, "plain", "adjustStock", request(func(in *apiRequest) { in.Body = fill(httpapi.MaxBody + 1) }),
		http.StatusRequestEntityTooLarge, "BodyTooLarge")
	refused(t, "base64", "adjustStock", request(func(in *apiRequest) {
		in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(fill(httpapi.MaxBody+1))), true
	}), http.StatusRequestEntityTooLarge, "BodyTooLarge")
}

func TestInvalidRequestIs400WithEveryViolation(t *testing.T) {
	_, p := refused(t, "body", "adjustStock", request(func(in *apiRequest) {
		in.Body = `{"delta":0,"more":1}`
		in.MultiValueQueryStringParameters = map[string][]string{"debug": {"1"}}
	}), http.StatusBadRequest, "InvalidRequest")
	places := map[string]bool{}
	for _, v := range p.Errors {
		places[v.Pointer] = v.Detail != ""
	}
	for _, place := range []string{"/delta", "/more", "/reason", "debug"} {
		if !places[place] {
			t.Errorf("violations %v lack %s", p.Errors, place)
		}
	}
	for name, change := range map[string]func(*apiRequest){
		"path":   func(in *apiRequest) { in.PathParameters["sku"] = "../etc" },
		"header": func(in *apiRequest) { in.Headers["Idempotency-Key"] = "a b" },
		"two keys": func(in *apiRequest) {
			in.MultiValueHeaders = map[string][]string{"Idempotency-Key": {"a", "b"}}
		},
		"no body": func(in *apiRequest) { in.Body = "" },
		"no type": func(in *apiRequest) { in.Headers = nil },
	} {
		refused(t, name, "adjustStock", request(change), http.StatusBadRequest, "InvalidRequest")
	}
	refused(t, "base64", "adjustStock", request(func(in *apiRequest) { in.Body, in.IsBase64Encoded = "%", true }),
		http.StatusBadRequest, "MalformedRequest")
	refused(t, "method", "adjustStock", request(func(in *apiRequest) { in.HTTPMethod = "NO METHOD" }),
		http.StatusBadRequest, "MalformedRequest")
}

func TestRequestWithInvalidUnicodeIs400(t *testing.T) {
	h := httpapi.Handle("adjustStock", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		t.Error("handled")
		return httpapi.OK(nil), nil
	})
	good, err := json.Marshal(request(func(in *apiRequest) { in.Body = `{"delta":7,"reason":"HERE"}` }))
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{
		"\xff", "\xed\xa0\x80", // not UTF-8
		`\udc80`,              // Python's form of a byte that is not UTF-8
		`\\ud800`, `\\udc00x`, // an unpaired surrogate in the body
		"\ufffd", `\ufffd`, // the replacement character
	} {
		b, err := h.Invoke(t.Context(), bytes.Replace(good, []byte("HERE"), []byte(broken), 1))
		if err != nil || !bytes.Contains(b, []byte(`"statusCode":400`)) {
			t.Errorf("%q: %s, %v", broken, b, err)
		}
	}
	for _, body := range []string{"\xff", `\ud800`} {
		refused(t, "base64", "adjustStock", request(func(in *apiRequest) {
			text := `{"delta":7,"reason":"a` + body + `"}`
			in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(text)), true
		}), http.StatusBadRequest, "InvalidRequest")
	}
}

func TestResponseNeverContainsACardNumber(t *testing.T) {
	const number = "4111111111111111"
	for name, change := range map[string]func(*apiRequest){
		"body":  func(in *apiRequest) { in.Body = `{"delta":7,"reason":"card ` + number + `"}` },
		"field": func(in *apiRequest) { in.Body = `{"delta":7,"reason":"x","` + number + `":1}` },
		"path": func(in *apiRequest) {
			in.Path, in.PathParameters["sku"] = "/v1/stock/"+number+"/adjustments", number
		},
		"query": func(in *apiRequest) {
			in.MultiValueQueryStringParameters = map[string][]string{number: {"1"}}
		},
	} {
		out, p := send(t, "adjustStock", request(change), ok)
		if p.Code != "InvalidRequest" || strings.Contains(out.Body, number) {
			t.Errorf("%s: %s", name, out.Body)
		}
	}
}

func TestHandlerSeesTheRequest(t *testing.T) {
	for name, change := range map[string]func(*apiRequest){
		"plain": func(*apiRequest) {},
		"base64": func(in *apiRequest) {
			in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.Body)), true
		},
		"7.0 for 7": func(in *apiRequest) { in.Body = `{"delta":7.0,"reason":"delivery"}` },
		"7e0 for 7": func(in *apiRequest) { in.Body = `{"delta":7e0,"reason":"delivery"}` },
		"lower-case header": func(in *apiRequest) {
			in.Headers = map[string]string{"content-type": "application/json"}
		},
		"multi value too": func(in *apiRequest) {
			in.MultiValueHeaders = map[string][]string{"content-type": {"application/json"}}
		},
		"only multi values": func(in *apiRequest) {
			in.MultiValueHeaders, in.Headers = map[string][]string{"CONTENT-TYPE": {"application/json"}}, nil
		},
	} {
		in := request(change)
		out, _ := send(t, "adjustStock", in, func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
			body, err := httpapi.Decode[struct {
				Delta  int
				Reason string
			}](r)
			if err != nil || body.Delta != 7 || body.Reason != "delivery" || r.Path["sku"] != "mug" {
				t.Errorf("%s: body %+v, %v, path %v", name, body, err, r.Path)
			}
			if r.Caller.Subject != "customer-1" || r.Caller.Email != "a@example.com" || tracing.TraceID(ctx) == "" {
				t.Errorf("%s: caller %+v, trace %q", name, r.Caller, tracing.TraceID(ctx))
			}
			return httpapi.OK(body), nil
		})
		if out.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, out.StatusCode, out.Body)
		}
	}
}

func TestQueryReachesTheHandler(t *testing.T) {
	in := apiRequest{HTTPMethod: http.MethodGet, Path: "/v1/orders", RequestContext: request().RequestContext,
		QueryStringParameters:           map[string]string{"limit": "5"},
		MultiValueQueryStringParameters: map[string][]string{"limit": {"5"}}}
	out, _ := send(t, "listOrders", in, func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		return httpapi.OK(r.Query.Get("limit")), nil
	})
	if out.Body != `"5"` {
		t.Errorf("%d %s", out.StatusCode, out.Body)
	}
	in.MultiValueQueryStringParameters["limit"] = []string{"101"}
	refused(t, "limit", "listOrders", in, http.StatusBadRequest, "InvalidRequest")
}

func doesNotStart(t *testing.T, h function.Handler) {
	t.Helper()
	env := environment(nil)
	function.Configure(h, env)
	if err := env.Err(); err == nil || !strings.Contains(err.Error(), "no operation") {
		t.Errorf("Err() = %v", err)
	}
}

func TestUnknownOperationAndInvalidPayloadAreErrors(t *testing.T) {
	unknown := httpapi.Handle("brewTea", ok)
	doesNotStart(t, unknown)
	if out, err := unknown.Invoke(t.Context(), []byte("{}")); err == nil {
		t.Errorf("answered %s", out)
	}
	h := httpapi.Handle("checkLiveness", ok)
	if out, err := h.Invoke(t.Context(), []byte("[]")); err == nil {
		t.Errorf("answered %s", out)
	}
}

func TestBodyOfTheWrongTypeIs400(t *testing.T) {
	out, p := send(t, "adjustStock", request(), func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		_, err := httpapi.Decode[struct{ Delta string }](r)
		return httpapi.Response{}, err
	})
	if out.StatusCode != http.StatusBadRequest || p.Code != "MalformedRequest" {
		t.Errorf("%d %+v", out.StatusCode, p)
	}
}

func TestEveryKindOfErrorHasItsStatus(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Transient: 503, fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404,
		fault.Conflict: 409, fault.TooLarge: 413, fault.Refused: 422, fault.Internal: 500,
		fault.Unavailable: 503, fault.TimedOut: 408,
	} {
		cause := errors.New("dial tcp 10.0.0.7: refused")
		out, p := send(t, "adjustStock", request(), func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK("beside the error"), fault.New(kind, "Code", "some detail").Because(cause)
		})
		if out.StatusCode != status || p.Code != "Code" || p.Detail != "some detail" || strings.Contains(out.Body,
			"dial") {
			t.Errorf("kind %d: %d %s; want %d", kind, out.StatusCode, out.Body, status)
		}
	}
}

func TestRetryAfterIsRoundedUpToAtLeastTwoSeconds(t *testing.T) {
	for wait, header := range map[time.Duration]string{0: "2", 1200 * time.Millisecond: "2",
		7100 * time.Millisecond: "8"} {
		out, _ := send(t, "adjustStock", request(), func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.Response{}, fault.New(fault.Unavailable, "CircuitOpen", "later").After(wait)
		})
		if out.StatusCode != http.StatusServiceUnavailable || out.Headers["Retry-After"] != header {
			t.Errorf("%v: %d, Retry-After %s; want %s", wait, out.StatusCode, out.Headers["Retry-After"], header)
		}
	}
}

func TestUnknownErrorIs503WithoutItsCause(t *testing.T) {
	out, p := send(t, "adjustStock", request(), func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.Response{}, errors.New("dial tcp 10.0.0.7: refused")
	})
	if out.StatusCode != http.StatusServiceUnavailable || p.Code != "Transient" || out.Headers["Retry-After"] != "2" ||
		strings.Contains(out.Body, "dial") {
		t.Errorf("%d %v %s", out.StatusCode, out.Headers, out.Body)
	}
}
