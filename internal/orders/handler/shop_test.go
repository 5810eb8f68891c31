package handler

import (
	"encoding/json"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
	"orderflow/internal/orders"
	"orderflow/internal/orders/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
)

// sampleID is the order id in the sample events.
const sampleID = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// shop is orders on a memory store. Its first order gets the sample events' id.
type shop struct {
	*orders.Service
	t     *testing.T
	store *memory.Store
	clock *clock.Manual
}

// sequence returns sampleID first.
type sequence struct {
	rest ids.Sequence
	used bool
}

func (s *sequence) New() string {
	if s.used {
		return s.rest.New()
	}
	s.used = true
	return sampleID
}

func open(t *testing.T) *shop {
	t.Helper()
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	store := memory.New(c)
	for sku, amount := range map[string]int64{"MUG-BLUE": 1999, "TEA-EARL-GREY": 799} {
		p := orders.Price{SKU: sku, Price: money.Money{Currency: "EUR", Amount: amount}, Version: 1}
		if err := store.SavePrice(t.Context(), p, 0, commit.With{}); err != nil {
			t.Fatal(err)
		}
	}
	return &shop{orders.New(observed{store}, c, &sequence{}), t, store, c}
}

// place places the sample order.
func (s *shop) place() {
	s.t.Helper()
	if res := s.call("place-order", nil); res.StatusCode != 202 {
		s.t.Fatalf("place: %d %s", res.StatusCode, res.Body)
	}
}

// sample reads the sample event of a function.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../events/orders/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// invoke sends an event to a function.
func (s *shop) invoke(name string, payload []byte) ([]byte, error) {
	return Handlers(s.Service)[name].Invoke(s.t.Context(), payload)
}

// call sends a function its sample request after change, if not nil.
func (s *shop) call(name string, change func(*events.APIGatewayProxyRequest)) events.APIGatewayProxyResponse {
	s.t.Helper()
	var req events.APIGatewayProxyRequest
	if err := json.Unmarshal(sample(s.t, name), &req); err != nil {
		s.t.Fatal(err)
	}
	if change != nil {
		change(&req)
	}
	payload, err := json.Marshal(req)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.invoke(name, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	var res events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &res); err != nil {
		s.t.Fatal(err)
	}
	return res
}

// claim sets a claim of the caller, or removes it if value is empty.
func claim(name, value string) func(*events.APIGatewayProxyRequest) {
	return func(r *events.APIGatewayProxyRequest) {
		claims := r.RequestContext.Authorizer["claims"].(map[string]any)
		claims[name] = value
		if value == "" {
			delete(claims, name)
		}
	}
}

// document parses the large contract only once.
var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.Spec()) })

// wantBody checks a response's status, validates its body against the contract and returns it.
func wantBody(t *testing.T, res events.APIGatewayProxyResponse, status int, schema string) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(res.Body), &body); err != nil || res.StatusCode != status {
		t.Fatalf("response %d %s, want %d", res.StatusCode, res.Body, status)
	}
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Components.Schemas[schema].Value.VisitJSON(body); err != nil {
		t.Errorf("the body is not a valid %s: %v", schema, err)
	}
	return body
}

// wantProblem checks that a response is a problem document with this status and code.
func wantProblem(t *testing.T, res events.APIGatewayProxyResponse, status int, code string) {
	t.Helper()
	if body := wantBody(t, res, status, "Problem"); body["code"] != code {
		t.Errorf("code %v, want %s: %v", body["code"], code, body)
	}
}
