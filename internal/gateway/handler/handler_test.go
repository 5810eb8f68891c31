package handler

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// Answers of the four services, as the contract has them.
const (
	orderJSON = `{"orderId":"` + order + `","status":"CONFIRMED","reason":null,"items":[{"sku":"MUG-BLUE","quantity":1,"unitPrice":{"currency":"EUR","amount":1999}}],` +
		`"total":{"currency":"EUR","amount":1999},"shippingAddress":{"name":"Ada","line1":"1 A St","city":"Berlin","postalCode":"10115","country":"DE"},` +
		`"paymentMethod":"pm_card_visa","createdAt":"2026-11-23T09:00:00Z","updatedAt":"2026-11-23T09:00:04Z"}`
	paymentJSON      = `{"orderId":"` + order + `","status":"CAPTURED","amount":{"currency":"EUR","amount":1999}}`
	reservationsJSON = `{"orderId":"` + order + `","status":"COMMITTED","items":[{"sku":"MUG-BLUE","quantity":1}]}`
	shipmentJSON     = `{"orderId":"` + order + `","status":"BOOKED","trackingNumber":"TRK-7F3A9C"}`
)

// shop is four services on servers of their own; a test replaces what it is about.
type shop map[string]http.HandlerFunc

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			status, body = http.StatusUnauthorized, `{}`
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func open(t *testing.T, changed shop) *gateway.Service {
	s := shop{"orders": says(200, orderJSON), "payments": says(200, paymentJSON),
		"inventory": says(200, reservationsJSON), "shipping": says(200, shipmentJSON)}
	at := registry.Fixed{}
	for name, h := range s {
		if changed[name] != nil {
			h = changed[name]
		}
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		at[name] = server.URL
	}
	to := func(string) httpclient.Config { return httpclient.Config{Endpoints: at, Clock: clock.System{}} }
	return gateway.New(services.New(to))
}

// call sends the sample event, changed by edit, and holds the answer to the contract.
func call(t *testing.T, ctx context.Context, sample, operation string, h function.Handler, edit func(*events.APIGatewayProxyRequest)) events.APIGatewayProxyResponse {
	t.Helper()
	payload, err := os.ReadFile("../../../events/gateway/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		var in events.APIGatewayProxyRequest
		must(t, json.Unmarshal(payload, &in))
		edit(&in)
		payload, err = json.Marshal(in)
		must(t, err)
	}
	b, err := h.Invoke(ctx, payload)
	must(t, err)
	var res events.APIGatewayProxyResponse
	must(t, json.Unmarshal(b, &res))
	conforms(t, operation, res)
	return res
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func conforms(t *testing.T, operation string, res events.APIGatewayProxyResponse) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	must(t, err)
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID != operation {
				continue
			}
			response := op.Responses.Status(res.StatusCode)
			if response == nil || response.Value.Content[res.Headers["Content-Type"]] == nil {
				t.Fatalf("the contract has no %d of %s for %s", res.StatusCode, res.Headers["Content-Type"], operation)
			}
			var body any
			must(t, json.Unmarshal([]byte(res.Body), &body))
			if err := response.Value.Content[res.Headers["Content-Type"]].Schema.Value.VisitJSON(body); err != nil {
				t.Errorf("%s: %v", res.Body, err)
			}
			return
		}
	}
	t.Fatalf("no operation %s", operation)
}

func summary(t *testing.T, ctx context.Context, changed shop, edit func(*events.APIGatewayProxyRequest)) events.APIGatewayProxyResponse {
	t.Helper()
	h := getOrderSummary(open(t, changed))
	return call(t, ctx, "get-order-summary", "getOrderSummary", h, edit)
}

const partMissing = `{"error":{"code":"Unavailable","detail":"payments cannot be asked at the moment"}}`

func whole(payment, shipment string) string {
	return `{"order":` + orderJSON + `,"payment":` + payment + `,"reservations":` + reservationsJSON + `,"shipment":` + shipment + `}`
}

func TestTheSummaryHasAllPartsFetchedAtTheSameTime(t *testing.T) {
	var here sync.WaitGroup
	here.Add(4)
	meet := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			here.Done()
			here.Wait() // nobody answers before all four were asked
			says(200, body)(w, r)
		}
	}
	res := summary(t, t.Context(), shop{"orders": meet(orderJSON), "payments": meet(paymentJSON),
		"inventory": meet(reservationsJSON), "shipping": meet(shipmentJSON)}, nil)
	if res.StatusCode != 200 || res.Body != whole(paymentJSON, shipmentJSON) {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestAFailedPartAndAMissingPartAreEntries(t *testing.T) {
	res := summary(t, t.Context(), shop{
		"payments": says(500, `{"code":"Internal"}`),
		"shipping": says(404, `{"code":"ShipmentNotFound","detail":"there is no shipment of this order"}`),
	}, nil)
	if want := whole(partMissing, `{"error":{"code":"ShipmentNotFound","detail":"there is no shipment of this order"}}`); res.StatusCode != 200 || res.Body != want {
		t.Errorf("%d %s, want %s", res.StatusCode, res.Body, want)
	}
}

func TestAHangingPartIsAnEntryWithinTheInvocationsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), gateway.Margin+200*time.Millisecond)
	defer cancel()
	res := summary(t, ctx, shop{"payments": hangs}, nil)
	want := whole(`{"error":{"code":"Unavailable","detail":"payments did not answer in time"}}`, shipmentJSON)
	if ctx.Err() != nil || res.StatusCode != 200 || res.Body != want {
		t.Errorf("%d %s (%v), want %s", res.StatusCode, res.Body, ctx.Err(), want)
	}
}

func TestASummaryOfNobodysOrderIs404AndSaysNothingElse(t *testing.T) {
	res := summary(t, t.Context(), shop{"orders": says(404, `{"code":"OrderNotFound","detail":"there is no such order"}`)}, nil)
	if res.StatusCode != 404 || strings.Contains(res.Body, "CAPTURED") || !strings.Contains(res.Body, `"code":"OrderNotFound"`) {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestWithAllServicesDownTheSummaryIs503(t *testing.T) {
	down := says(503, ``)
	res := summary(t, t.Context(), shop{"orders": down, "payments": down, "inventory": down, "shipping": down}, nil)
	if res.StatusCode != 503 || res.Headers["Retry-After"] == "" || strings.Contains(res.Body, "127.0.0.1") {
		t.Errorf("%d %v %s", res.StatusCode, res.Headers, res.Body)
	}
}

func TestWithoutIdentityNobodyIsAsked(t *testing.T) {
	asked := func(http.ResponseWriter, *http.Request) { t.Error("a service was asked") }
	res := summary(t, t.Context(), shop{"orders": asked, "payments": asked, "inventory": asked, "shipping": asked},
		func(in *events.APIGatewayProxyRequest) { in.RequestContext.Authorizer = nil })
	if res.StatusCode != 401 {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestAMalformedOrderIDIs400(t *testing.T) {
	res := summary(t, t.Context(), nil, func(in *events.APIGatewayProxyRequest) { in.PathParameters["orderId"] = "../products/MUG-BLUE" })
	if res.StatusCode != 400 {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestLivenessNeedsNothing(t *testing.T) {
	h := CheckLiveness(nil)
	if res := call(t, t.Context(), "check-liveness", "checkLiveness", h, nil); res.StatusCode != 200 || res.Body != `{"status":"pass"}` {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

// own answers a service's two health routes: anonymously whether it is ready, to olga the parts.
func own(service, status, checks string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := `{"serviceId":"` + service + `","status":"` + status + `","time":"2026-11-23T09:00:00Z","checks":[` + checks + `]}`
		switch {
		case r.URL.Path == "/health/"+service && r.Header.Get("Authorization") == "":
			body = `{"status":"` + status + `"}`
			if status == "fail" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case r.URL.Path != "/v1/health/"+service || r.Header.Get("Authorization") != "Bearer olga":
			w.WriteHeader(http.StatusForbidden)
			body = `{"code":"Forbidden","detail":"not you"}`
		}
		_, _ = w.Write([]byte(body))
	}
}

// watch composes the function over five services, of which payments is as told.
func watch(t *testing.T, payments http.HandlerFunc) function.Handler {
	at := registry.Fixed{}
	for _, b := range gateway.Serving {
		h := own(string(b), "pass", `{"name":"table","status":"pass","tookMs":2}`)
		if b == gateway.Payments {
			h = payments
		}
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		at[string(b)] = server.URL
	}
	to := func(string) httpclient.Config { return httpclient.Config{Endpoints: at, Clock: clock.System{}} }
	h := checkReadiness(gateway.NewHealth(services.New(to), clock.System{}, health.New(clock.System{})))
	return h
}

// inspecting makes the sample a call of inspectHealth by somebody.
func inspecting(token, groups string) func(*events.APIGatewayProxyRequest) {
	return func(in *events.APIGatewayProxyRequest) {
		in.Resource, in.Path = "/v1/health", "/v1/health"
		in.Headers["authorization"] = "Bearer " + token
		if groups != "nobody" {
			in.RequestContext.Authorizer = map[string]any{"claims": map[string]any{"sub": token, "token_use": "id", "cognito:groups": groups}}
		}
	}
}

const noProvider = `{"name":"registry:payment-provider","status":"fail","code":"ServiceUnknown","tookMs":9}`

func TestReadinessTellsAnybodyWhetherAndNobodyWhat(t *testing.T) {
	const sample, operation = "check-readiness", "checkReadiness"
	if res := call(t, t.Context(), sample, operation, watch(t, own("payments", "pass", "")), nil); res.StatusCode != 200 || res.Body != `{"status":"pass"}` {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
	for name, payments := range map[string]http.HandlerFunc{
		"a part fails": own("payments", "fail", noProvider),
		"it is broken": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		res := call(t, t.Context(), sample, operation, watch(t, payments), nil)
		if res.StatusCode != 503 || res.Body != `{"status":"fail"}` || res.Headers["Retry-After"] != "5" {
			t.Errorf("%s: %d %v %s", name, res.StatusCode, res.Headers, res.Body)
		}
	}
}

func TestOperatorsSeeTheParts(t *testing.T) {
	h := watch(t, own("payments", "fail", noProvider))
	res := call(t, t.Context(), "check-readiness", "inspectHealth", h, inspecting("olga", "operator"))
	if res.StatusCode != 200 || !strings.Contains(res.Body, noProvider) || !strings.HasPrefix(res.Body, `{"status":"fail"`) || strings.Contains(res.Body, "127.0.0.1") {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
	for groups, status := range map[string]int{"": 403, "operators": 403, "nobody": 401} {
		res := call(t, t.Context(), "check-readiness", "inspectHealth", h, inspecting("olga", groups))
		if res.StatusCode != status || strings.Contains(res.Body, "payments") {
			t.Errorf("in group %q: %d %s", groups, res.StatusCode, res.Body)
		}
	}
}

func TestASummaryForWhichTheCallerDoesNotWaitIsNoFaultOfOurs(t *testing.T) {
	hurried := func(in *events.APIGatewayProxyRequest) {
		in.Headers["X-Request-Timeout-Ms"] = "300"
		in.MultiValueHeaders["X-Request-Timeout-Ms"] = []string{"300"}
	}
	all := shop{"orders": hangs, "payments": hangs, "inventory": hangs, "shipping": hangs}
	if res := summary(t, t.Context(), all, hurried); res.StatusCode != http.StatusRequestTimeout || !strings.Contains(res.Body, "DeadlineExceeded") {
		t.Errorf("nothing in time: %d %s, want 408", res.StatusCode, res.Body)
	}
	if res := summary(t, t.Context(), shop{"shipping": hangs}, hurried); res.StatusCode != http.StatusOK ||
		res.Body != whole(paymentJSON, `{"error":{"code":"Unavailable","detail":"shipping did not answer in time"}}`) {
		t.Errorf("all but one: %d %s", res.StatusCode, res.Body)
	}
}
