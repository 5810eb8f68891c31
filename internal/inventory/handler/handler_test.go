package handler

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi/httpapitest"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/step"
)

// stocked returns a service with the stock of the samples: 100 mugs and 20 teas.
func stocked(t *testing.T) *inventory.Service {
	t.Helper()
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	svc := inventory.New(memory.New(c), c, &ids.Sequence{})
	for sku, n := range map[string]int{"MUG-BLUE": 100, "TEA-EARL-GREY": 20} {
		adjusted := contract.Adjusted{SKU: sku, Delta: n, Reason: "test", By: "olga"}
		adjustment := inventory.Adjustment{Adjusted: adjusted, AllowUnknownSKU: true}
		if _, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment); err != nil {
			t.Fatal(err)
		}
	}
	return svc
}

// sample reads events/inventory/<name>.json.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../events/inventory/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edit changes a request.
type edit func(*events.APIGatewayProxyRequest)

// call sends the sample of a function, edited, and returns status, headers and body of the
// response.
func call(t *testing.T, svc *inventory.Service, name string, change edit) (
	int, map[string]string, map[string]any,
) {
	t.Helper()
	h := Handlers(svc)[name]
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(sample(t, name), &in); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&in)
	}
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var out events.APIGatewayProxyResponse
	var body map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out.Body), &body); err != nil {
		t.Fatal(err)
	}
	return out.StatusCode, out.Headers, body
}

// wantProblem calls the function with the edited sample and checks the problem document.
func wantProblem(t *testing.T, svc *inventory.Service, name string, change edit, status int, code string) {
	t.Helper()
	got, headers, body := call(t, svc, name, change)
	if got != status || body["code"] != code || headers["Content-Type"] != "application/problem+json" {
		t.Errorf("%s: %d %v; want %d %s", name, got, body, status, code)
	}
}

// claim changes one claim of the caller.
func claim(name string, value any) edit {
	return func(in *events.APIGatewayProxyRequest) {
		in.RequestContext.Authorizer["claims"].(map[string]any)[name] = value
	}
}

func TestEveryOperationNeedsAnIdentity(t *testing.T) {
	httpapitest.Strangers(t, "../../../events/inventory/", Handlers(stocked(t)))
}

func anonymous(in *events.APIGatewayProxyRequest) { in.RequestContext.Authorizer = nil }

// run sends the sample of a step, and returns its result or the name of its error.
func run(t *testing.T, svc *inventory.Service, name string, change ...string) string {
	t.Helper()
	h := map[string]function.Handler{
		"reserve-stock": step.Handle(svc.ReserveStock),
		"commit-stock":  step.Handle(svc.CommitStock),
		"release-stock": step.Handle(svc.ReleaseStock),
	}[name]
	out, err := h.Invoke(t.Context(), []byte(strings.NewReplacer(change...).Replace(string(sample(t, name)))))
	if err == nil {
		return string(out)
	}
	named, ok := err.(messages.InvokeResponse_Error)
	if !ok {
		t.Fatalf("%s: error %v has no name", name, err)
	}
	return named.Type
}

func environment(vars map[string]string) *function.Env {
	return function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.System{})
}

func TestEveryFunctionIsComposedFromItsEnvironment(t *testing.T) {
	vars := map[string]string{"TABLE_NAME": "inventory", "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
	for name, compose := range map[string]func(*function.Env) function.Handler{
		"ReserveStock": ReserveStock, "CommitStock": CommitStock, "ReleaseStock": ReleaseStock,
		"GetStock": GetStock, "AdjustStock": AdjustStock, "GetReservations": GetReservations,
	} {
		for missing := range vars {
			given := maps.Clone(vars)
			delete(given, missing)
			env := environment(given)
			compose(env)
			if env.Err() == nil || !strings.Contains(env.Err().Error(), missing) {
				t.Errorf("%s without %s: %v", name, missing, env.Err())
			}
		}
		env := environment(vars)
		if h := compose(env); h == nil || env.Err() != nil {
			t.Errorf("%s: %v", name, env.Err())
		}
	}
}

func reserved(t *testing.T) *inventory.Service {
	t.Helper()
	svc := stocked(t)
	if out := run(t, svc, "reserve-stock"); !strings.Contains(out, "RESERVED") {
		t.Fatalf("reserve-stock: %s", out)
	}
	return svc
}
