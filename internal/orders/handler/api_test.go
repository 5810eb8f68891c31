package handler

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/httpapi/httpapitest"
)

// replaceInBody replaces text in a request's body.
func replaceInBody(from, to string) func(*events.APIGatewayProxyRequest) {
	return func(r *events.APIGatewayProxyRequest) { r.Body = strings.Replace(r.Body, from, to, 1) }
}

func TestPlaceOrderIsAcceptedAndReplayed(t *testing.T) {
	s := open(t)
	first := s.call("place-order", nil)
	order := wantBody(t, first, 202, "Order")
	if first.Headers["Location"] != "orders/"+sampleID || order["orderId"] != sampleID ||
		first.Headers["Retry-After"] != "2" || order["cancelRequested"] != false ||
		first.Headers["Idempotent-Replayed"] != "" {
		t.Errorf("order %v, headers %v", order, first.Headers)
	}
	if reason, there := order["reason"]; !there || reason != nil {
		t.Errorf("reason %v, want null", reason)
	}
	for _, hidden := range []string{"customerEmail", "customerId", "closed", "detail"} {
		if _, there := order[hidden]; there {
			t.Errorf("the response shows %s", hidden)
		}
	}
	placed := map[string]any{"version": 1.0, "status": "PENDING", "reason": nil, "at": order["createdAt"]}
	if want := []any{placed}; order["version"] != 1.0 || !cmp.Equal(order["changes"], any(want)) {
		t.Errorf("version %v, changes %v, want %v", order["version"], order["changes"], want)
	}
	again := s.call("place-order", nil)
	if again.Body != first.Body || again.Headers["Idempotent-Replayed"] != "true" ||
		again.Headers["Location"] != first.Headers["Location"] {
		t.Errorf("replay: %s, headers %v", again.Body, again.Headers)
	}
	res := s.call("place-order", claim("sub", "somebody else"))
	if res.Headers["Idempotent-Replayed"] != "" || res.Body == first.Body {
		t.Errorf("another customer's key gives %s", res.Body)
	}
	changed := replaceInBody(`"quantity": 2`, `"quantity": 3`)
	wantProblem(t, s.call("place-order", changed), 422, "IdempotencyKeyReused")
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
		"unknown SKU":    {replaceInBody("TEA-EARL-GREY", "TEA-LADY-GREY"), 422, "UnknownSku"},
		"same SKU twice": {replaceInBody("TEA-EARL-GREY", "MUG-BLUE"), 422, "DuplicateSku"},
		"no postal code": {replaceInBody(`"postalCode": "10115",`, ""), 422, "PostalCodeRequired"},
		"card number":    {replaceInBody(`"pm_card_visa"`, `"4111111111111111"`), 400, "InvalidRequest"},
		"quantity 0":     {replaceInBody(`"quantity": 2`, `"quantity": 0`), 400, "InvalidRequest"},
		"own price": {replaceInBody(`"quantity": 2`, `"quantity": 2, "unitPrice": {"currency": "EUR", "amount": 1}`),
			400, "InvalidRequest"},
		"too large": {replaceInBody("{", "{"+strings.Repeat(" ", 64<<10)), 413, "BodyTooLarge"},
	} {
		t.Run(name, func(t *testing.T) { wantProblem(t, s.call("place-order", c.change), c.status, c.code) })
	}
	if events, err := s.store.Outbox(t.Context()); err != nil || len(events) > 0 {
		t.Errorf("refused orders left %d events, %v", len(events), err)
	}
}

func TestRefusalsPointToTheirReasons(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		change func(*events.APIGatewayProxyRequest)
		want   string
	}{
		"unknown SKUs":   {replaceInBody("TEA-EARL-GREY", "TEA-LADY-GREY"), "UnknownSku /items/1/sku"},
		"same SKU twice": {replaceInBody("TEA-EARL-GREY", "MUG-BLUE"), "DuplicateSku /items/0/sku /items/1/sku"},
		"no postal code": {replaceInBody(`"postalCode": "10115",`, ""),
			"PostalCodeRequired /shippingAddress/postalCode"},
		"quantity 0": {replaceInBody(`"quantity": 2`, `"quantity": 0`), "TooSmall /items/0/quantity"},
	} {
		t.Run(name, func(t *testing.T) {
			var problem struct {
				Errors []struct{ Pointer, Code, Detail string }
			}
			body := s.call("place-order", c.change).Body
			if err := json.Unmarshal([]byte(body), &problem); err != nil || len(problem.Errors) == 0 {
				t.Fatalf("%s, %v", body, err)
			}
			got := problem.Errors[0].Code
			for _, e := range problem.Errors {
				got += " " + e.Pointer
			}
			if got != c.want || problem.Errors[0].Detail == "" {
				t.Errorf("got %s, want %s: %s", got, c.want, body)
			}
		})
	}
}

func TestTotalChangedHasThePresentTotal(t *testing.T) {
	s := open(t)
	expecting := func(amount string) func(*events.APIGatewayProxyRequest) {
		expected := `"expectedTotal": {"currency": "EUR", "amount": ` + amount + `}, "paymentMethod"`
		return replaceInBody(`"paymentMethod"`, expected)
	}
	res := s.call("place-order", expecting("4700"))
	wantProblem(t, res, 409, "TotalChanged")
	if !strings.Contains(res.Body, `"total":{"currency":"EUR","amount":4797}`) ||
		!strings.Contains(res.Body, "47.97 EUR now") {
		t.Errorf("the response lacks the present total: %s", res.Body)
	}
	if events, err := s.store.Outbox(t.Context()); err != nil || len(events) > 0 {
		t.Errorf("the refused order left %d events, %v", len(events), err)
	}
	wantBody(t, s.call("place-order", expecting("4797")), 202, "Order")
	for _, bad := range []string{"-1", `"4797"`, "47.97", `4797, "unit": 1`} {
		wantProblem(t, s.call("place-order", expecting(bad)), 400, "InvalidRequest")
	}
}

func TestACustomerAtALimitGets429WithRetryAfter(t *testing.T) {
	s := open(t)
	s.Service = s.Limited(orders.Limits{Open: 1, Declines: 1})
	s.place()
	fresh := func(r *events.APIGatewayProxyRequest) {
		delete(r.Headers, "Idempotency-Key")
		delete(r.MultiValueHeaders, "Idempotency-Key")
	}
	res := s.call("place-order", fresh)
	wantProblem(t, res, 429, "TooManyOpenOrders")
	if res.Headers["Retry-After"] != "30" {
		t.Errorf("Retry-After %q, want 30", res.Headers["Retry-After"])
	}
	decline := contract.Reject{OrderID: sampleID, Reason: "PAYMENT_DECLINED"}
	if _, err := s.RejectOrder(t.Context(), decline); err != nil {
		t.Fatal(err)
	}
	res = s.call("place-order", fresh)
	wantProblem(t, res, 429, "TooManyDeclinedPayments")
	if res.Headers["Retry-After"] != "3600" {
		t.Errorf("Retry-After %q, want 3600", res.Headers["Retry-After"])
	}
	wantBody(t, s.call("place-order", nil), 202, "Order") // a replay
}

func TestOnlyTheOwnerAndOperatorsGetAnOrder(t *testing.T) {
	s := open(t)
	wantProblem(t, s.call("get-order", nil), 404, "OrderNotFound")
	s.place()
	if o := wantBody(t, s.call("get-order", nil), 200, "Order"); o["orderId"] != sampleID || o["status"] != "PENDING" {
		t.Errorf("order %v", o)
	}
	stranger := claim("sub", "somebody else")
	wantProblem(t, s.call("get-order", stranger), 404, "OrderNotFound")
	operator := func(r *events.APIGatewayProxyRequest) { stranger(r); claim("cognito:groups", "operator")(r) }
	wantBody(t, s.call("get-order", operator), 200, "Order")
	wantProblem(t, s.call("get-order", claim("sub", "")), 401, "Unauthenticated")
	malformed := func(r *events.APIGatewayProxyRequest) { r.PathParameters["orderId"] = "x" }
	wantProblem(t, s.call("get-order", malformed), 400, "InvalidRequest")
}

func TestOnlyOperatorsFindOrdersOfCustomers(t *testing.T) {
	s := open(t)
	wantBody(t, s.call("place-order", nil), 202, "Order")
	query := func(name, value string, groups string) func(*events.APIGatewayProxyRequest) {
		return func(r *events.APIGatewayProxyRequest) {
			r.MultiValueQueryStringParameters = map[string][]string{name: {value}}
			claim("cognito:groups", groups)(r)
		}
	}
	wantProblem(t, s.call("find-orders", query("status", "PENDING", "")), 403, "Forbidden")
	wantProblem(t, s.call("find-orders", query("status", "CONFIRMED", "operator")), 400, "CustomerRequired")
	wantProblem(t, s.call("find-orders", query("olderThan", "-1", "operator")), 400, "InvalidRequest")
	s.clock.Advance(time.Second)
	for olderThan, want := range map[string]int{"0": 1, "1": 1, "60": 0} {
		page := wantBody(t, s.call("find-orders", query("olderThan", olderThan, "operator")), 200, "FoundOrderPage")
		if list := page["orders"].([]any); len(list) != want {
			t.Errorf("older than %s s: found %v, want %d", olderThan, list, want)
		}
	}
}

func TestListOrdersPagesThroughTheCallersOrders(t *testing.T) {
	s := open(t)
	for range 3 {
		res := s.call("place-order", func(r *events.APIGatewayProxyRequest) {
			delete(r.Headers, "Idempotency-Key")
			delete(r.MultiValueHeaders, "Idempotency-Key")
		})
		wantBody(t, res, 202, "Order")
	}
	first := wantBody(t, s.call("list-orders", nil), 200, "OrderPage")
	cursor, _ := first["cursor"].(string)
	if list := first["orders"].([]any); len(list) != 2 || cursor == "" {
		t.Fatalf("first page %v", first)
	}
	follow := func(r *events.APIGatewayProxyRequest) { r.MultiValueQueryStringParameters["cursor"] = []string{cursor} }
	second := wantBody(t, s.call("list-orders", follow), 200, "OrderPage")
	if list := second["orders"].([]any); len(list) != 1 || second["cursor"] != nil {
		t.Errorf("second page %v", second)
	}
	stranger := claim("sub", "somebody else")
	none := wantBody(t, s.call("list-orders", stranger), 200, "OrderPage")
	if list, ok := none["orders"].([]any); !ok || len(list) > 0 {
		t.Errorf("a stranger's page %v", none)
	}
	foreign := func(r *events.APIGatewayProxyRequest) { follow(r); stranger(r) }
	wantProblem(t, s.call("list-orders", foreign), 400, "InvalidCursor")
	unlimited := func(r *events.APIGatewayProxyRequest) { delete(r.MultiValueQueryStringParameters, "limit") }
	if all := wantBody(t, s.call("list-orders", unlimited), 200, "OrderPage"); len(all["orders"].([]any)) != 3 {
		t.Errorf("without a limit %v", all)
	}
}

func TestCancelOrderIsAcceptedUntilTheOrderIsConfirmed(t *testing.T) {
	s := open(t)
	s.place()
	wantProblem(t, s.call("cancel-order", claim("sub", "somebody else")), 404, "OrderNotFound")
	first := s.call("cancel-order", nil)
	if o := wantBody(t, first, 202, "Order"); o["status"] != "PENDING" || o["cancelRequested"] != true ||
		first.Headers["Retry-After"] != "2" {
		t.Errorf("cancelled as %v, headers %v", o, first.Headers)
	}
	again := s.call("cancel-order", nil)
	if again.Body != first.Body || again.Headers["Idempotent-Replayed"] != "true" {
		t.Errorf("replay %s, headers %v", again.Body, again.Headers)
	}

	s = open(t)
	s.place()
	confirm := contract.Confirm{OrderID: sampleID, TrackingNumber: "TRK-1"}
	if _, err := s.ConfirmOrder(t.Context(), confirm); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, s.call("cancel-order", nil), 409, "OrderNotCancellable")
	o := wantBody(t, s.call("get-order", nil), 200, "Order")
	if o["trackingNumber"] != "TRK-1" || o["cancelRequested"] != false {
		t.Errorf("order %v", o)
	}
}

func TestAFormerOperatorDoesNotGetAStoredResult(t *testing.T) {
	s := open(t)
	s.place()
	outsider := claim("sub", "olga")
	operator := func(r *events.APIGatewayProxyRequest) { outsider(r); claim("cognito:groups", "operator")(r) }
	wantBody(t, s.call("cancel-order", operator), 202, "Order")
	if again := s.call("cancel-order", operator); again.Headers["Idempotent-Replayed"] != "true" {
		t.Errorf("an operator's own key: %d, headers %v", again.StatusCode, again.Headers)
	}
	wantProblem(t, s.call("cancel-order", outsider), 404, "OrderNotFound")
}

func TestACancellationByAnOperatorIsNotTheCustomers(t *testing.T) {
	s := open(t)
	s.place()
	operator := func(r *events.APIGatewayProxyRequest) {
		claim("sub", "olga")(r)
		claim("cognito:groups", "operator")(r)
	}
	wantBody(t, s.call("cancel-order", operator), 202, "Order")
	if _, err := s.RejectOrder(t.Context(), contract.Reject{OrderID: sampleID}); err != nil {
		t.Fatal(err)
	}
	o := wantBody(t, s.call("get-order", nil), 200, "Order")
	if o["status"] != "CANCELLED" || o["reason"] != "CANCELLED_BY_OPERATOR" {
		t.Errorf("order %v", o)
	}
}

func TestARejectedOrderSaysWhoDidNotAnswer(t *testing.T) {
	for _, c := range []struct {
		reason, step string
		want         any
	}{
		{"TIMED_OUT", "AuthorizePayment", "PAYMENT_PROVIDER"}, {"TIMED_OUT", "CapturePayment", "PAYMENT_PROVIDER"},
		{"TIMED_OUT", "ArrangeShipment", "CARRIER"}, {"TIMED_OUT", "AwaitShipment", "CARRIER"},
		{"TIMED_OUT", "ReserveStock", nil}, {"SHIPMENT_REFUSED", "AwaitShipment", nil},
	} {
		s := open(t)
		s.place()
		in := contract.Reject{OrderID: sampleID, Reason: c.reason, Detail: c.step}
		if _, err := s.RejectOrder(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if o := wantBody(t, s.call("get-order", nil), 200, "Order"); o["waitedFor"] != c.want {
			t.Errorf("%s in %s: the order says %v, want %v", c.reason, c.step, o["waitedFor"], c.want)
		}
	}
}

func TestEveryOperationNeedsAnIdentity(t *testing.T) {
	httpapitest.Strangers(t, "../../../events/orders/", Handlers(open(t).Service))
}
