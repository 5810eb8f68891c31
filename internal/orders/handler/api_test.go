package handler

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
)

// body replaces text in the request's body.
func body(from, to string) func(*events.APIGatewayProxyRequest) {
	return func(r *events.APIGatewayProxyRequest) { r.Body = strings.Replace(r.Body, from, to, 1) }
}

func TestPlaceOrderIsAcceptedAndReplayed(t *testing.T) {
	s := open(t)
	first := s.call("place-order", nil)
	order := answered(t, first, 202, "Order")
	if first.Headers["Location"] != "orders/"+sampled || order["orderId"] != sampled || first.Headers["Idempotent-Replayed"] != "" {
		t.Errorf("order %v, headers %v", order, first.Headers)
	}
	if reason, there := order["reason"]; !there || reason != nil {
		t.Errorf("reason %v, want null", reason)
	}
	for _, hidden := range []string{"customerEmail", "customerId", "closed", "cancelRequested", "version", "detail"} {
		if _, there := order[hidden]; there {
			t.Errorf("the answer shows %s", hidden)
		}
	}
	again := s.call("place-order", nil)
	if again.Body != first.Body || again.Headers["Idempotent-Replayed"] != "true" || again.Headers["Location"] != first.Headers["Location"] {
		t.Errorf("replay: %s, headers %v", again.Body, again.Headers)
	}
	if res := s.call("place-order", claim("sub", "somebody else")); res.Headers["Idempotent-Replayed"] != "" || res.Body == first.Body {
		t.Errorf("another customer's key gives %s", res.Body)
	}
	refused(t, s.call("place-order", body(`"quantity": 2`, `"quantity": 3`)), 422, "IdempotencyKeyReused")
}

func TestPlaceOrderRefusals(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		change func(*events.APIGatewayProxyRequest)
		status int
		code   string
	}{
		"no identity":    {claim("sub", ""), 401, "Unauthenticated"},
		"access token":   {claim("token_use", "access"), 401, "Unauthenticated"},
		"unknown SKU":    {body("TEA-EARL-GREY", "TEA-LADY-GREY"), 422, "UnknownSku"},
		"same SKU twice": {body("TEA-EARL-GREY", "MUG-BLUE"), 422, "DuplicateSku"},
		"no postal code": {body(`"postalCode": "10115",`, ""), 422, "PostalCodeRequired"},
		"card number":    {body(`"pm_card_visa"`, `"4111111111111111"`), 400, "InvalidRequest"},
		"quantity 0":     {body(`"quantity": 2`, `"quantity": 0`), 400, "InvalidRequest"},
		"own price":      {body(`"quantity": 2`, `"quantity": 2, "unitPrice": {"currency": "EUR", "amount": 1}`), 400, "InvalidRequest"},
		"too large":      {body("{", "{"+strings.Repeat(" ", 64<<10)), 413, "BodyTooLarge"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, s.call("place-order", c.change), c.status, c.code) })
	}
	if events, err := s.store.Outbox(t.Context()); err != nil || len(events) > 0 {
		t.Errorf("refused orders left %d events, %v", len(events), err)
	}
}

func TestAnotherTotalThanExpectedIsToldWithThePresentOne(t *testing.T) {
	s := open(t)
	expecting := func(amount string) func(*events.APIGatewayProxyRequest) {
		return body(`"paymentMethod"`, `"expectedTotal": {"currency": "EUR", "amount": `+amount+`}, "paymentMethod"`)
	}
	res := s.call("place-order", expecting("4700"))
	refused(t, res, 409, "TotalChanged")
	if !strings.Contains(res.Body, `"total":{"currency":"EUR","amount":4797}`) || !strings.Contains(res.Body, "47.97 EUR now") {
		t.Errorf("the answer does not tell the present total: %s", res.Body)
	}
	if events, err := s.store.Outbox(t.Context()); err != nil || len(events) > 0 {
		t.Errorf("the refused order left %d events, %v", len(events), err)
	}
	answered(t, s.call("place-order", expecting("4797")), 202, "Order")
	for _, bad := range []string{"-1", `"4797"`, "47.97", `4797, "unit": 1`} {
		refused(t, s.call("place-order", expecting(bad)), 400, "InvalidRequest")
	}
}

func TestACustomerAtALimitIsAskedToComeBackLater(t *testing.T) {
	s := open(t)
	s.Service = s.Limited(orders.Limits{Open: 1, Declines: 1})
	s.place()
	fresh := func(r *events.APIGatewayProxyRequest) {
		delete(r.Headers, "Idempotency-Key")
		delete(r.MultiValueHeaders, "Idempotency-Key")
	}
	res := s.call("place-order", fresh)
	refused(t, res, 429, "TooManyOpenOrders")
	if res.Headers["Retry-After"] != "30" {
		t.Errorf("Retry-After %q, want 30", res.Headers["Retry-After"])
	}
	if _, err := s.RejectOrder(t.Context(), contract.Reject{OrderID: sampled, Reason: "PAYMENT_DECLINED"}); err != nil {
		t.Fatal(err)
	}
	res = s.call("place-order", fresh)
	refused(t, res, 429, "TooManyDeclinedPayments")
	if res.Headers["Retry-After"] != "3600" {
		t.Errorf("Retry-After %q, want 3600", res.Headers["Retry-After"])
	}
	answered(t, s.call("place-order", nil), 202, "Order") // a replay
}

func TestGetOrderIsForTheOwnerAndOperators(t *testing.T) {
	s := open(t)
	refused(t, s.call("get-order", nil), 404, "OrderNotFound")
	s.place()
	if o := answered(t, s.call("get-order", nil), 200, "Order"); o["orderId"] != sampled || o["status"] != "PENDING" {
		t.Errorf("order %v", o)
	}
	stranger := claim("sub", "somebody else")
	refused(t, s.call("get-order", stranger), 404, "OrderNotFound")
	operator := func(r *events.APIGatewayProxyRequest) { stranger(r); claim("cognito:groups", "operator")(r) }
	answered(t, s.call("get-order", operator), 200, "Order")
	refused(t, s.call("get-order", claim("sub", "")), 401, "Unauthenticated")
	refused(t, s.call("get-order", func(r *events.APIGatewayProxyRequest) { r.PathParameters["orderId"] = "x" }), 400, "InvalidRequest")
}

func TestListOrdersPagesThroughTheCallersOwn(t *testing.T) {
	s := open(t)
	for range 3 {
		res := s.call("place-order", func(r *events.APIGatewayProxyRequest) {
			delete(r.Headers, "Idempotency-Key")
			delete(r.MultiValueHeaders, "Idempotency-Key")
		})
		answered(t, res, 202, "Order")
	}
	first := answered(t, s.call("list-orders", nil), 200, "OrderPage")
	cursor, _ := first["cursor"].(string)
	if list := first["orders"].([]any); len(list) != 2 || cursor == "" {
		t.Fatalf("first page %v", first)
	}
	follow := func(r *events.APIGatewayProxyRequest) { r.MultiValueQueryStringParameters["cursor"] = []string{cursor} }
	second := answered(t, s.call("list-orders", follow), 200, "OrderPage")
	if list := second["orders"].([]any); len(list) != 1 || second["cursor"] != nil {
		t.Errorf("second page %v", second)
	}
	stranger := claim("sub", "somebody else")
	none := answered(t, s.call("list-orders", stranger), 200, "OrderPage")
	if list, ok := none["orders"].([]any); !ok || len(list) > 0 {
		t.Errorf("a stranger's page %v", none)
	}
	refused(t, s.call("list-orders", func(r *events.APIGatewayProxyRequest) { follow(r); stranger(r) }), 400, "InvalidCursor")
	unlimited := func(r *events.APIGatewayProxyRequest) { delete(r.MultiValueQueryStringParameters, "limit") }
	if all := answered(t, s.call("list-orders", unlimited), 200, "OrderPage"); len(all["orders"].([]any)) != 3 {
		t.Errorf("without a limit %v", all)
	}
}

func TestCancelOrderIsAcceptedUntilTheOrderIsConfirmed(t *testing.T) {
	s := open(t)
	s.place()
	refused(t, s.call("cancel-order", claim("sub", "somebody else")), 404, "OrderNotFound")
	first := s.call("cancel-order", nil)
	if o := answered(t, first, 202, "Order"); o["status"] != "PENDING" {
		t.Errorf("cancelled as %v", o)
	}
	if again := s.call("cancel-order", nil); again.Body != first.Body || again.Headers["Idempotent-Replayed"] != "true" {
		t.Errorf("replay %s, headers %v", again.Body, again.Headers)
	}

	s = open(t)
	s.place()
	if _, err := s.ConfirmOrder(t.Context(), contract.Confirm{OrderID: sampled}); err != nil {
		t.Fatal(err)
	}
	refused(t, s.call("cancel-order", nil), 409, "OrderNotCancellable")
}

func TestAnOperatorWhoLeftTheGroupIsNotToldAnOldAnswer(t *testing.T) {
	s := open(t)
	s.place()
	outsider := claim("sub", "olga")
	operator := func(r *events.APIGatewayProxyRequest) { outsider(r); claim("cognito:groups", "operator")(r) }
	answered(t, s.call("cancel-order", operator), 202, "Order")
	if again := s.call("cancel-order", operator); again.Headers["Idempotent-Replayed"] != "true" {
		t.Errorf("an operator's own key: %d, headers %v", again.StatusCode, again.Headers)
	}
	refused(t, s.call("cancel-order", outsider), 404, "OrderNotFound")
}

func TestAnOperatorWhoCancelsIsNotTakenForTheCustomer(t *testing.T) {
	s := open(t)
	s.place()
	operator := func(r *events.APIGatewayProxyRequest) {
		claim("sub", "olga")(r)
		claim("cognito:groups", "operator")(r)
	}
	answered(t, s.call("cancel-order", operator), 202, "Order")
	if _, err := s.RejectOrder(t.Context(), contract.Reject{OrderID: sampled}); err != nil {
		t.Fatal(err)
	}
	if o := answered(t, s.call("get-order", nil), 200, "Order"); o["status"] != "CANCELLED" || o["reason"] != "CANCELLED_BY_OPERATOR" {
		t.Errorf("order %v", o)
	}
}

func TestNoIdentityIsRefusedEverywhere(t *testing.T) {
	s := open(t)
	for _, name := range []string{"place-order", "get-order", "list-orders", "cancel-order"} {
		res := s.call(name, func(r *events.APIGatewayProxyRequest) { r.RequestContext.Authorizer = nil })
		refused(t, res, 401, "Unauthenticated")
	}
}
