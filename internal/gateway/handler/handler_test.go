package handler

import (
	"context"
	"encoding/json"
	"maps"
	"mime"
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

// Answers of the four services that match the contract.
const (
	orderJSON = `{"orderId":"` + order + `","status":"CONFIRMED","reason":null,` +
		`"items":[{"sku":"MUG-BLUE","quantity":1,"unitPrice":{"currency":"EUR","amount":1999}}],` +
		`"total":{"currency":"EUR","amount":1999},` +
		`"shippingAddress":{"name":"Ada","line1":"1 A St","city":"Berlin","postalCode":"10115","country":"DE"},` +
		`"paymentMethod":"pm_card_visa","cancelRequested":false,` +
		`"progress":[{"step":"PLACED","at":"2026-11-23T09:00:00.000Z"}],"version":2,"changes":[` +
		`{"version":1,"status":"PENDING","reason":null,"at":"2026-11-23T09:00:00.000Z"},` +
		`{"version":2,"status":"CONFIRMED","reason":null,"at":"2026-11-23T09:00:04.000Z"}],` +
		`"createdAt":"2026-11-23T09:00:00.000Z","updatedAt":"2026-11-23T09:00:04.000Z"}`
	paymentJSON      = `{"orderId":"` + order + `","status":"CAPTURED","amount":{"currency":"EUR","amount":1999}}`
	reservationsJSON = `{"orderId":"` + order + `","status":"COMMITTED","items":[{"sku":"MUG-BLUE","quantity":1}]}`
	shipmentJSON     = `{"orderId":"` + order + `","status":"BOOKED","trackingNumber":"TRK-7F3A9C"}`
)

// shop is handlers by service.
type shop map[string]http.HandlerFunc

// respond returns a handler that requires an Authorization header.
func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			status, body = http.StatusUnauthorized, `{}`
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// open returns the clients of four services, of which some are replaced.
func open(t *testing.T, replaced shop) services.Services {
	s := shop{"orders": respond(200, orderJSON), "payments": respond(200, paymentJSON),
		"inventory": respond(200, reservationsJSON), "shipping": respond(200, shipmentJSON)}
	maps.Copy(s, replaced)
	return serve(t, s)
}

// serve starts a server for each service.
func serve(t *testing.T, s shop) services.Services {
	urls := registry.Fixed{}
	for name, h := range s {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		urls[name] = server.URL
	}
	return services.New(func(string) httpclient.Config {
		return httpclient.Config{Endpoints: urls, Clock: clock.System{}}
	})
}

type (
	request  = events.APIGatewayProxyRequest
	response = events.APIGatewayProxyResponse
)

// call sends the sample event after edit, if not nil, and validates the response against the
// contract.
func call(
	t *testing.T, ctx context.Context, sample, operation string, h function.Handler, edit func(*request),
) response {
	t.Helper()
	payload, err := os.ReadFile("../../../events/gateway/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		var in request
		must(t, json.Unmarshal(payload, &in))
		edit(&in)
		payload, err = json.Marshal(in)
		must(t, err)
	}
	b, err := h.Invoke(ctx, payload)
	must(t, err)
	var res response
	must(t, json.Unmarshal(b, &res))
	validate(t, operation, res)
	return res
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// document is the contract, which takes a fifth of a second to load.
var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.Spec()) })

func validate(t *testing.T, operation string, res response) {
	t.Helper()
	doc, err := document()
	must(t, err)
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID != operation {
				continue
			}
			contentType, _, _ := mime.ParseMediaType(res.Headers["Content-Type"]) // "" without a body
			allowed := op.Responses.Status(res.StatusCode)
			if allowed != nil && allowed.Value.Content == nil && res.Body == "" {
				return
			}
			if allowed == nil || allowed.Value.Content[contentType] == nil {
				t.Fatalf("the contract has no %d with %s for %s", res.StatusCode, contentType, operation)
			}
			if !strings.HasSuffix(contentType, "json") {
				return
			}
			var body any
			must(t, json.Unmarshal([]byte(res.Body), &body))
			if err := allowed.Value.Content[contentType].Schema.Value.VisitJSON(body); err != nil {
				t.Errorf("%s: %v", res.Body, err)
			}
			return
		}
	}
	t.Fatalf("no operation %s", operation)
}

func summary(t *testing.T, ctx context.Context, replaced shop, edit func(*request)) response {
	t.Helper()
	h := getOrderSummary(gateway.New(open(t, replaced)))
	return call(t, ctx, "get-order-summary", "getOrderSummary", h, edit)
}

const (
	paymentsFailed   = `{"error":{"code":"Unavailable","detail":"payments is not available at the moment"}}`
	shipmentNotFound = `{"code":"ShipmentNotFound","detail":"there is no shipment of this order"}`
)

func summaryJSON(payment, shipment string) string {
	return `{"order":` + orderJSON + `,"payment":` + payment + `,"reservations":` + reservationsJSON +
		`,"shipment":` + shipment + `}`
}

func TestAllPartsOfTheSummaryAreFetchedConcurrently(t *testing.T) {
	var called sync.WaitGroup
	called.Add(4)
	meet := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			called.Done()
			called.Wait() // no service answers before all four are called
			respond(200, body)(w, r)
		}
	}
	res := summary(t, t.Context(), shop{"orders": meet(orderJSON), "payments": meet(paymentJSON),
		"inventory": meet(reservationsJSON), "shipping": meet(shipmentJSON)}, nil)
	if res.StatusCode != 200 || res.Body != summaryJSON(paymentJSON, shipmentJSON) {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestAFailedPartAndAMissingPartAreEntries(t *testing.T) {
	res := summary(t, t.Context(), shop{
		"payments": respond(500, `{"code":"Internal"}`),
		"shipping": respond(404, shipmentNotFound),
	}, nil)
	want := summaryJSON(paymentsFailed, `{"error":`+shipmentNotFound+`}`)
	if res.StatusCode != 200 || res.Body != want {
		t.Errorf("%d %s, want %s", res.StatusCode, res.Body, want)
	}
}

func TestAPartThatHangsIsAnEntryBeforeTheInvocationEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), gateway.Margin+2*time.Second)
	defer cancel()
	res := summary(t, ctx, shop{"payments": hangs}, nil)
	want := summaryJSON(`{"error":{"code":"Unavailable","detail":"payments did not answer in time"}}`, shipmentJSON)
	if ctx.Err() != nil || res.StatusCode != 200 || res.Body != want {
		t.Errorf("%d %s (%v), want %s", res.StatusCode, res.Body, ctx.Err(), want)
	}
}

func TestTheSummaryOfAnUnknownOrderIs404WithoutParts(t *testing.T) {
	notFound := respond(404, `{"code":"OrderNotFound","detail":"there is no such order"}`)
	res := summary(t, t.Context(), shop{"orders": notFound}, nil)
	if res.StatusCode != 404 || strings.Contains(res.Body, "CAPTURED") ||
		!strings.Contains(res.Body, `"code":"OrderNotFound"`) {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestWithAllServicesDownTheSummaryIs503(t *testing.T) {
	down := respond(503, ``)
	res := summary(t, t.Context(), shop{"orders": down, "payments": down, "inventory": down, "shipping": down}, nil)
	if res.StatusCode != 503 || res.Headers["Retry-After"] == "" || strings.Contains(res.Body, "127.0.0.1") {
		t.Errorf("%d %v %s", res.StatusCode, res.Headers, res.Body)
	}
}

func TestWithoutAnIdentityNoServiceIsCalled(t *testing.T) {
	called := func(http.ResponseWriter, *http.Request) { t.Error("a service was called") }
	res := summary(t, t.Context(), shop{"orders": called, "payments": called, "inventory": called, "shipping": called},
		func(in *request) { in.RequestContext.Authorizer = nil })
	if res.StatusCode != 401 {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestAMalformedOrderIDIs400(t *testing.T) {
	traversal := func(in *request) { in.PathParameters["orderId"] = "../products/MUG-BLUE" }
	res := summary(t, t.Context(), nil, traversal)
	if res.StatusCode != 400 {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestLivenessNeedsNoEnvironment(t *testing.T) {
	res := call(t, t.Context(), "check-liveness", "checkLiveness", CheckLiveness(nil), nil)
	if res.StatusCode != 200 || res.Body != `{"status":"pass"}` {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

// healthRoutes serves a service's readiness to everybody and its health report to olga.
func healthRoutes(service, status, checks string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := `{"serviceId":"` + service + `","status":"` + status + `","time":"2026-11-23T09:00:00.000Z",` +
			`"checks":[` + checks + `]}`
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

// readiness returns check-readiness over five services that pass, except payments.
func readiness(t *testing.T, payments http.HandlerFunc) function.Handler {
	s := shop{}
	for _, b := range gateway.AllBackends {
		s[string(b)] = healthRoutes(string(b), "pass", `{"name":"table","status":"pass","tookMs":2}`)
	}
	s["payments"] = payments
	return checkReadiness(gateway.NewHealth(serve(t, s), clock.System{}, health.New(clock.System{})))
}

// inspectHealthAs makes the sample a call of inspectHealth, without claims for the group nobody.
func inspectHealthAs(token, groups string) func(*request) {
	return func(in *request) {
		in.Resource, in.Path = "/v1/health", "/v1/health"
		in.Headers["authorization"] = "Bearer " + token
		if groups != "nobody" {
			claims := map[string]any{"sub": token, "token_use": "id", "cognito:groups": groups}
			in.RequestContext.Authorizer = map[string]any{"claims": claims}
		}
	}
}

const noProvider = `{"name":"registry:payment-provider","status":"fail","code":"ServiceUnknown","tookMs":9}`

func TestReadinessDoesNotShowWhichServiceFails(t *testing.T) {
	const sample, operation = "check-readiness", "checkReadiness"
	res := call(t, t.Context(), sample, operation, readiness(t, healthRoutes("payments", "pass", "")), nil)
	if res.StatusCode != 200 || res.Body != `{"status":"pass"}` {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
	for name, payments := range map[string]http.HandlerFunc{
		"a part fails": healthRoutes("payments", "fail", noProvider),
		"bad gateway":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		res := call(t, t.Context(), sample, operation, readiness(t, payments), nil)
		if res.StatusCode != 503 || res.Body != `{"status":"fail"}` || res.Headers["Retry-After"] != "5" {
			t.Errorf("%s: %d %v %s", name, res.StatusCode, res.Headers, res.Body)
		}
	}
}

func TestOnlyOperatorsSeeHealthReports(t *testing.T) {
	h := readiness(t, healthRoutes("payments", "fail", noProvider))
	res := call(t, t.Context(), "check-readiness", "inspectHealth", h, inspectHealthAs("olga", "operator"))
	if res.StatusCode != 200 || !strings.Contains(res.Body, noProvider) ||
		!strings.HasPrefix(res.Body, `{"status":"fail"`) || strings.Contains(res.Body, "127.0.0.1") {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
	for groups, status := range map[string]int{"": 403, "operators": 403, "nobody": 401} {
		res := call(t, t.Context(), "check-readiness", "inspectHealth", h, inspectHealthAs("olga", groups))
		if res.StatusCode != status || strings.Contains(res.Body, "payments") {
			t.Errorf("in group %q: %d %s", groups, res.StatusCode, res.Body)
		}
	}
}

func TestTheCallersOwnTimeoutIs408IfNoPartIsInTime(t *testing.T) {
	withTimeout := func(in *request) {
		in.Headers["X-Request-Timeout-Ms"] = "300"
		in.MultiValueHeaders["X-Request-Timeout-Ms"] = []string{"300"}
	}
	all := shop{"orders": hangs, "payments": hangs, "inventory": hangs, "shipping": hangs}
	res := summary(t, t.Context(), all, withTimeout)
	if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(res.Body, "DeadlineExceeded") {
		t.Errorf("no part in time: %d %s, want 408", res.StatusCode, res.Body)
	}
	res = summary(t, t.Context(), shop{"shipping": hangs}, withTimeout)
	want := summaryJSON(paymentJSON, `{"error":{"code":"Unavailable","detail":"shipping did not answer in time"}}`)
	if res.StatusCode != http.StatusOK || res.Body != want {
		t.Errorf("all but one in time: %d %s", res.StatusCode, res.Body)
	}
}

func TestContractIsSentAgainOnlyAfterAChange(t *testing.T) {
	get := func(sent string) response {
		return call(t, t.Context(), "get-contract", "getContract", GetContract(nil), func(in *request) {
			in.MultiValueHeaders = map[string][]string{"If-None-Match": {sent}}
		})
	}
	first := get(`"x"`)
	tag := first.Headers["ETag"]
	if first.StatusCode != http.StatusOK || len(first.Body) < 10_000 || tag == "" {
		t.Fatalf("%d, %d bytes, %q", first.StatusCode, len(first.Body), tag)
	}
	for _, same := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if res := get(same); res.StatusCode != http.StatusNotModified || res.Body != "" || res.Headers["ETag"] != tag {
			t.Errorf("%q: %d, %d bytes, %q", same, res.StatusCode, len(res.Body), res.Headers["ETag"])
		}
	}
	for _, other := range []string{`"x"`, "", strings.Trim(tag, `"`)} {
		if res := get(other); res.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", other, res.StatusCode)
		}
	}
}
