package handler

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestReservationIsShownToItsCustomerAndOperators(t *testing.T) {
	svc := reserved(t)
	const want = "map[items:[map[quantity:2 sku:MUG-BLUE] map[quantity:1 sku:TEA-EARL-GREY]] " +
		"orderId:01KAQ5M3Z8V7D2X4C6B9N1T0RW status:RESERVED]"
	for name, change := range map[string]func(*events.APIGatewayProxyRequest){
		"customer": nil,
		"operator": func(in *events.APIGatewayProxyRequest) {
			claim("sub", "another-customer")(in)
			claim("cognito:groups", "operator")(in)
		},
	} {
		status, _, body := call(t, svc, "get-reservations", change)
		if status != http.StatusOK || fmt.Sprint(body) != want {
			t.Errorf("%s: %d %v; want %s", name, status, body, want)
		}
	}
}

func TestReservationOfAnotherCustomerLooksLikeNone(t *testing.T) {
	svc := reserved(t)
	wantProblem(t, svc, "get-reservations", claim("sub", "another-customer"),
		http.StatusNotFound, "ReservationNotFound")
	_, _, foreign := call(t, svc, "get-reservations", claim("sub", "another-customer"))
	_, _, none := call(t, stocked(t), "get-reservations", nil)
	if fmt.Sprint(foreign) != fmt.Sprint(none) {
		t.Errorf("another's: %v; none: %v", foreign, none)
	}
	wantProblem(t, svc, "get-reservations", anonymous, http.StatusUnauthorized, "Unauthenticated")
	wantProblem(t, svc, "get-reservations",
		func(in *events.APIGatewayProxyRequest) { in.PathParameters["orderId"] = "1" },
		http.StatusBadRequest, "InvalidRequest")
}
