package handler

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/payments/contract"
)

func TestListPaymentsShowsTheCallersOwn(t *testing.T) {
	svc := sampleService()
	var in contract.Step
	if err := json.Unmarshal(sample(t, "authorize-payment"), &in); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.AuthorizePayment(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		claims map[string]any
		found  int
	}{
		"own":       {map[string]any{}, 1},
		"another's": {map[string]any{"sub": "mallory"}, 0},
		"operator":  {map[string]any{"sub": "op", "cognito:groups": "operator"}, 1},
	} {
		var request events.APIGatewayProxyRequest
		if err := json.Unmarshal(sample(t, "list-payments"), &request); err != nil {
			t.Fatal(err)
		}
		for claim, v := range c.claims {
			request.RequestContext.Authorizer["claims"].(map[string]any)[claim] = v
		}
		payload, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		b, err := listPayments(svc).Invoke(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		var out events.APIGatewayProxyResponse
		var body struct{ Payments []contract.Payment }
		if json.Unmarshal(b, &out) != nil || json.Unmarshal([]byte(out.Body), &body) != nil || body.Payments == nil {
			t.Fatalf("%s: %s", name, b)
		}
		if out.StatusCode != 200 || len(body.Payments) != c.found {
			t.Errorf("%s: %d %s, want %d payments", name, out.StatusCode, out.Body, c.found)
		}
		if c.found > 0 && (body.Payments[0].OrderID != in.OrderID || body.Payments[0].Amount != in.Amount) {
			t.Errorf("%s: %s", name, out.Body)
		}
	}
}
