package front_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow"
	"orderflow/api"
	"orderflow/internal/host/front"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

// tokens accepts the token "good".
type tokens struct{}

func (tokens) Verify(_ context.Context, authorization []string) (map[string]any, error) {
	if len(authorization) != 1 || authorization[0] != "Bearer good" {
		return nil, fault.New(fault.Unauthenticated, "Unauthenticated", "no")
	}
	return map[string]any{"sub": "alice"}, nil
}

// calls are the invocations of functions, which answer as they are told.
type calls struct {
	function string
	in       events.APIGatewayProxyRequest
	answer   events.APIGatewayProxyResponse
	err      error
}

func (c *calls) invoke(_ context.Context, name string, payload []byte) ([]byte, error) {
	c.function, c.in = name, events.APIGatewayProxyRequest{}
	if err := json.Unmarshal(payload, &c.in); err != nil {
		return nil, err
	}
	out, err := json.Marshal(c.answer)
	return out, errors.Join(err, c.err)
}

func open(t *testing.T, change ...func(*front.Options)) (*front.Front, *calls) {
	t.Helper()
	template, err := cfn.Parse(orderflow.Template)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := cfn.New(template, "shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := front.Read(stack)
	if err != nil {
		t.Fatal(err)
	}
	c := &calls{answer: events.APIGatewayProxyResponse{StatusCode: http.StatusOK, Body: "{}"}}
	o := front.Options{Invoke: c.invoke, Tokens: tokens{}, Settings: settings,
		Clock: clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	for _, do := range change {
		do(&o)
	}
	f, err := front.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

// response is what a client gets.
type response struct {
	StatusCode int
	Header     http.Header
	Body       io.Reader
}

func send(t *testing.T, h http.Handler, method, target, body string, header ...string) response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer good")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body}
}

func TestRequestsReachTheirOperationsFunction(t *testing.T) {
	f, c := open(t)
	for request, want := range map[string]string{
		"POST /v1/orders":                "place-order",
		"POST /v1/orders/":               "place-order",
		"GET /v1/orders?limit=2&x=1&x=2": "list-orders",
		"GET /v1/orders/o1":              "get-order",
		"HEAD /v1/orders/o1":             "get-order",
		"GET /v1/orders/o1/summary":      "get-order-summary",
		"GET /v1/health/orders":          "check-orders",
		"GET /v1/payments/order/o1":      "get-payment",
		"OPTIONS /v1/orders/o1":          "check-liveness",
		"POST /v1/rpc/a.B/C":             "serve-rpc",
		"GET /legacy/orders/7":           "route-legacy",
	} {
		method, target, _ := strings.Cut(request, " ")
		res := send(t, f, method, target, "")
		if res.StatusCode != http.StatusOK || c.function != want || c.in.HTTPMethod != method {
			t.Errorf("%s: %d from %s, want it from %s", request, res.StatusCode, c.function, want)
		}
	}
	send(t, f, "GET", "/v1/orders/o%201?x=1&x=2", "", "X-Two", "2")
	if c.in.PathParameters["orderId"] != "o 1" || len(c.in.MultiValueQueryStringParameters["x"]) != 2 ||
		c.in.Resource != "/v1/orders/{orderId}" || c.in.MultiValueHeaders["X-Two"][0] != "2" {
		t.Errorf("the function gets %+v", c.in)
	}
	if claims, _ := c.in.RequestContext.Authorizer["claims"].(map[string]any); claims["sub"] != "alice" {
		t.Errorf("claims: %v", c.in.RequestContext.Authorizer)
	}
}

// problem is what the contract tells API Gateway to answer.
func problem(t *testing.T, res response, status int, code string) {
	t.Helper()
	var body struct{ Type, Code, Instance string }
	err := json.NewDecoder(res.Body).Decode(&body)
	if err != nil || res.StatusCode != status || body.Code != code || !strings.HasSuffix(body.Type, "/"+code) ||
		body.Instance != "urn:uuid:"+res.Header.Get("X-Amzn-Requestid") ||
		res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %+v, %v; want %d %s", res.StatusCode, body, err, status, code)
	}
}

func TestWhatTheContractHasNotIsNotFound(t *testing.T) {
	f, c := open(t)
	for _, request := range []string{
		"GET /", "GET /v1/nothing", "DELETE /v1/orders/o1", "GET /v1/orders//", "GET /v1//orders",
		"OPTIONS /nothing", "HEAD /v1/webhooks/carrier",
	} {
		method, target, _ := strings.Cut(request, " ")
		c.function = ""
		res := send(t, f, method, target, "")
		if method != http.MethodHead {
			problem(t, res, http.StatusNotFound, "NotFound")
		}
		if res.StatusCode != http.StatusNotFound || c.function != "" {
			t.Errorf("%s: %d from %q", request, res.StatusCode, c.function)
		}
	}
}

func TestOnlyPublicOperationsTakeNoToken(t *testing.T) {
	f, c := open(t)
	res := send(t, f, "GET", "/v1/orders/o1", "", "Authorization", "Bearer bad")
	problem(t, res, http.StatusUnauthorized, "Unauthenticated")
	if res.Header.Get("WWW-Authenticate") != "Bearer" || c.function != "" {
		t.Errorf("%v, from %q", res.Header, c.function)
	}
	all, err := api.Operations()
	if err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	for _, op := range all {
		want := http.StatusUnauthorized
		if op.Public {
			want = http.StatusOK
		}
		path := parameter.ReplaceAllString(op.Path, "x")
		res := send(t, f, op.Method, path, "", "Authorization", "Bearer bad")
		if res.StatusCode != want {
			t.Errorf("%s %s without a token: %d, want %d", op.Method, path, res.StatusCode, want)
		}
	}
}

func TestFailedFunctionIsUnavailable(t *testing.T) {
	f, c := open(t)
	c.err = errors.New("oh")
	res := send(t, f, "GET", "/v1/orders/o1", "")
	problem(t, res, http.StatusServiceUnavailable, "Unavailable")
	if res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	c.err, c.answer = nil, events.APIGatewayProxyResponse{}
	problem(t, send(t, f, "GET", "/v1/orders/o1", ""), http.StatusServiceUnavailable, "Unavailable")
}

func TestHugeBodyIsRefused(t *testing.T) {
	f, c := open(t)
	for path, most := range map[string]int{"/v1/orders": 64 << 10, "/v1/rpc/a.B/C": 128 << 10} {
		if res := send(t, f, "POST", path, strings.Repeat("x", most)); res.StatusCode != http.StatusOK {
			t.Errorf("%s takes no %d bytes: %d", path, most, res.StatusCode)
		}
		c.function = ""
		res := send(t, f, "POST", path, strings.Repeat("x", most+1))
		problem(t, res, http.StatusRequestEntityTooLarge, "BodyTooLarge")
		if c.function != "" {
			t.Errorf("%s: the function was invoked", path)
		}
	}
}

func TestRatesAreLimitedAsDeclared(t *testing.T) {
	now := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	f, _ := open(t, func(o *front.Options) { o.Clock = now })
	for _, want := range []int{40, 20, 40} { // a burst, what a second adds, and no more than a burst
		admitted := 0
		for range 500 {
			if send(t, f, "GET", "/health/ready", "").StatusCode == http.StatusOK {
				admitted++
			}
		}
		if admitted != want {
			t.Errorf("%d requests at once, want %d", admitted, want)
		}
		now.Advance(time.Second)
		if want == 20 {
			now.Advance(time.Hour)
		}
	}
	for range 40 {
		send(t, f, "GET", "/health/ready", "")
	}
	problem(t, send(t, f, "GET", "/health/ready", ""), http.StatusTooManyRequests, "TooManyRequests")
	if res := send(t, f, "GET", "/v1/orders/o1", ""); res.StatusCode != http.StatusOK {
		t.Errorf("others: %d", res.StatusCode)
	}
}

func TestBinaryBodiesTravelInBase64(t *testing.T) {
	f, c := open(t)
	raw := "\x00\xff"
	c.answer.Body, c.answer.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(raw)), true
	res := send(t, f, "POST", "/v1/rpc/a.B/C", raw, "Content-Type", "application/proto")
	got, err := io.ReadAll(res.Body)
	sent, bad := base64.StdEncoding.DecodeString(c.in.Body)
	if err != nil || bad != nil || string(got) != raw || string(sent) != raw || !c.in.IsBase64Encoded {
		t.Errorf("sent %q, got %q: %v, %v", sent, got, err, bad)
	}
}

func TestPagesOfNoOriginMayReadAnswers(t *testing.T) {
	for _, any := range []bool{false, true} {
		f, _ := open(t, func(o *front.Options) { o.AnyOrigin = any })
		res := send(t, f, "GET", "/v1/nothing", "")
		if got := res.Header.Get("Access-Control-Allow-Origin"); (got == "*") != any {
			t.Errorf("with origins %v: %q", any, got)
		}
	}
}
