// Package sandbox_test holds the handlers to openapi.yaml and warehouse.yaml.
package sandbox_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	routers "github.com/getkin/kin-openapi/routers/legacy"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/registry"
	"orderflow/sandbox/carrier"
	shipments "orderflow/sandbox/carrier/memory"
	"orderflow/sandbox/legacy"
	orders "orderflow/sandbox/legacy/memory"
	"orderflow/sandbox/provider"
	ledger "orderflow/sandbox/provider/memory"
	"orderflow/sandbox/sandboxtest"
	"orderflow/sandbox/warehouse"
	books "orderflow/sandbox/warehouse/memory"
)

const shopKey = sandboxtest.Secret("s3cret")

func init() { openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder) }

// turn is a request with the status of its response.
type turn struct {
	request, key, body string
	status             int
}

// conversation is a sequence of requests with the status of each response. It covers every status
// of every operation of the contract. The old shop takes key for its own.
var conversation = []turn{
	{"POST /charges", "a", charge("a", "pm_card_visa"), 201},
	{"POST /charges", "a", charge("x", "pm_card_visa"), 422},
	{"POST /charges", "d", charge("d", "pm_card_visa_chargeDeclined"), 402},
	{"POST /charges", "3ds", charge("3ds", "pm_card_authenticationRequired"), 202},
	{"GET /charges/3ds/authentication", "", "", 200},
	{"POST /charges/3ds/authentication?answer=maybe", "", "", 400},
	{"POST /charges/3ds/authentication?answer=succeed", "", "", 200},
	{"POST /charges", "e", charge("e", "sandbox_error"), 500},
	{"POST /charges/a/authentication?answer=succeed", "", "", 409},
	{"POST /charges/a/capture", "", "", 200},
	{"POST /charges/none/capture", "", "", 404},
	{"POST /charges/a/refund", "r", refund(500), 200},
	{"POST /charges/a/refund", "r", refund(501), 422},
	{"POST /charges/a/refund", "s", refund(1500), 409}, // exceeds the rest
	{"POST /charges/none/refund", "t", refund(1), 404},
	{"GET /ledger?reference=a", "", "", 200},
	{"GET /ledger?status=CAPTURED&limit=1", "", "", 200},
	{"POST /charges/a/void", "", "", 200},
	{"POST /charges/b/void", "", "", 200}, // no charge: null
	{"POST /charges", "stuck", charge("stuck", "sandbox_void_error"), 201},
	{"POST /charges/stuck/void", "", "", 422},
	{"POST /charges/a/capture", "", "", 409},
	{"POST /charges", "b", charge("b", "pm_card_visa"), 409},
	{"POST /shipments", "s", booking("s"), 202},
	{"POST /shipments", "s", booking("x"), 422},
	{"GET /shipments?reference=s", "", "", 200},
	{"POST /shipments/s/cancel", "", "", 200},
	{"POST /shipments/t/cancel", "", "", 200}, // no shipment: null
	{"POST /shipments", "t", booking("t"), 409},
	{"GET /legacy/products", "", "", 200},
	{"GET /legacy/products/1001", "", "", 200},
	{"GET /legacy/products/1", "", "", 404},
	{"POST /legacy/orders", "", legacyOrder("a", 1), 201},
	{"POST /legacy/orders", "", legacyOrder("a", 2), 409},
	{"GET /legacy/orders", "", "", 200},
	{"GET /legacy/orders/100004", "", "", 200},
	{"GET /legacy/orders/1", "", "", 404},
	{"POST /legacy/orders/100004/cancel", "", `{"note":"too late"}`, 200},
	{"POST /legacy/orders/100001/cancel", "", `{}`, 409},
	{"POST /legacy/orders/1/cancel", "", `{}`, 404},
	{"GET /legacy/products", "wrong", "", 401},
	{"GET /legacy/products/1001", "wrong", "", 401},
	{"POST /legacy/orders", "wrong", legacyOrder("a", 1), 401},
	{"GET /legacy/orders", "wrong", "", 401},
	{"GET /legacy/orders/100004", "wrong", "", 401},
	{"POST /legacy/orders/100004/cancel", "wrong", `{}`, 401},
}

func legacyOrder(requestID string, quantity int) string {
	const address = `{"full_name":"Ada","street":"Weg 1","town":"Berlin","zip":"10115","country_code":"DE"}`
	const order = `{"request_id":%q,"lines":[{"product_id":"1001","qty":%d}],"ship_to":%s,"pay_token":"pm_card_visa"}`
	return fmt.Sprintf(order, requestID, quantity, address)
}

func refund(amount int) string {
	return fmt.Sprintf(`{"amount":{"currency":"EUR","amount":%d}}`, amount)
}

func charge(reference, method string) string {
	return fmt.Sprintf(`{"reference":%q,"amount":{"currency":"EUR","amount":1999},"paymentMethod":%q}`,
		reference, method)
}

func booking(reference string) string {
	const address = `{"name":"Ada","line1":"Weg 1","city":"Berlin","postalCode":"10115","country":"DE"}`
	return fmt.Sprintf(`{"reference":%q,"address":%s,"items":[{"sku":"mug","quantity":2}]}`, reference, address)
}

// workers is the conversation with the warehouse.
var workers = []turn{
	{"POST /warehouse/receipts", "a", `{"sku":"mug","quantity":5,"by":"Wim","reference":"DN 7"}`, 201},
	{"POST /warehouse/receipts", "a", `{"sku":"mug","quantity":5,"by":" ","reference":"DN 7"}`, 400},
	{"POST /warehouse/receipts", "down", `{"sku":"mug","quantity":5,"by":"Wim","reference":"DN 7"}`, 500},
	{"POST /warehouse/receipts", "b", `{"sku":"mug","quantity":1000000,"by":"Wim","reference":"DN 8"}`, 409},
	{"POST /warehouse/counts", "a", `{"sku":"mug","counted":3,"by":"Wim"}`, 201},
	{"POST /warehouse/counts", "b", `{"sku":"picked","counted":3,"by":"Wim"}`, 409},
	{"POST /warehouse/counts", "a", `{"sku":"mug","counted":3,"by":" "}`, 400},
	{"POST /warehouse/counts", "down", `{"sku":"mug","counted":3,"by":"Wim"}`, 500},
	{"GET /warehouse/stock/mug", "", "", 200},
	{"GET /warehouse/stock/-", "", "", 400},
}

// exchange is a broker that is down at the first message about each document with the key down.
type exchange map[string]bool

func (e exchange) Publish(_ context.Context, key, id string, _ []byte) error {
	down := strings.HasSuffix(id, idempotency.Hash([]byte("down"))[:32]) && !e[key]
	e[key] = e[key] || down
	if down {
		return errors.New("down")
	}
	return nil
}

func TestHandlersKeepTheContract(t *testing.T) {
	keepContract(t, "openapi.yaml", conversation)
	keepContract(t, "warehouse.yaml", workers)
}

func keepContract(t *testing.T, file string, conversation []turn) {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := routers.NewRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	missing := responses(spec)
	handlers := parties(spec)
	for _, c := range conversation {
		method, target, _ := strings.Cut(c.request, " ")
		r := httptest.NewRequest(method, target, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		if c.key != "" {
			r.Header.Set("Idempotency-Key", c.key)
		}
		r.Header.Set(legacy.HeaderKey, cmp.Or(c.key, string(shopKey)))
		r.Header.Set(legacy.HeaderCustomer, "ada")
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s: %v", c.request, err)
			continue
		}
		w := httptest.NewRecorder()
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s: the request violates the contract: %v", c.request, err)
		}
		handlers[route.Operation.OperationID].ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.request, w.Code, w.Body, c.status)
		}
		if err := validate(t.Context(), in, w); err != nil {
			t.Errorf("%s: the response violates the contract: %v", c.request, err)
		}
		delete(missing, fmt.Sprint(route.Operation.OperationID, " ", w.Code))
	}
	if len(missing) > 0 {
		t.Errorf("not covered by the conversation: %v", missing)
	}
}

func validate(ctx context.Context, in *openapi3filter.RequestValidationInput, w *httptest.ResponseRecorder) error {
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(),
		Body:    io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

// parties returns the handler of each operation, by the function in the spec's integration.
func parties(spec *openapi3.T) map[string]http.Handler {
	now := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	picked := books.New(now)
	_ = picked.Book(context.Background(), warehouse.Entry{ // the memory store books whatever is new
		ID: "pick-1", Moves: []warehouse.Line{{SKU: "picked", Quantity: -1}},
	}, "")
	site := provider.Site{Endpoints: registry.Fixed{"payment-provider": "http://provider.test"}}
	noSleep := func(context.Context, time.Duration) {}
	byFunction := map[string]http.Handler{
		"ServeProviderFunction": provider.Handler(ledger.New(now), now, ids.Random(now), noSleep, site),
		"ServeCarrierFunction":  carrier.Handler(shipments.New(now), now, ids.Random(now)),
		"ServeLegacyFunction":   legacy.Handler(orders.New(now), now, shopKey),
		"ServeWarehouseFunction": warehouse.Handler(warehouse.Warehouse{
			Store: picked, Now: exchange{}, Late: exchange{},
		}),
	}
	handlers := map[string]http.Handler{}
	for _, path := range spec.Paths.Map() {
		for _, op := range path.Operations() {
			for function, h := range byFunction {
				integration := fmt.Sprint(op.Extensions["x-amazon-apigateway-integration"])
				if strings.Contains(integration, "${"+function+".Arn}") {
					handlers[op.OperationID] = h
				}
			}
		}
	}
	return handlers
}

// responses returns operation and status of every response in the spec.
func responses(spec *openapi3.T) map[string]bool {
	all := map[string]bool{}
	for _, path := range spec.Paths.Map() {
		for _, op := range path.Operations() {
			for status := range op.Responses.Map() {
				all[op.OperationID+" "+status] = true
			}
		}
	}
	return all
}
