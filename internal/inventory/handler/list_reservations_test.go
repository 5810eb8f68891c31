package handler

import (
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestListReservationsShowsTheCallersOwn(t *testing.T) {
	svc := reserved(t)
	for name, c := range map[string]struct {
		change func(*events.APIGatewayProxyRequest)
		found  int
	}{
		"own":       {nil, 1},
		"another's": {claim("sub", "mallory"), 0},
		"operator": {func(in *events.APIGatewayProxyRequest) {
			claim("sub", "olga")(in)
			claim("cognito:groups", "operator")(in)
		}, 1},
	} {
		status, _, body := call(t, svc, "list-reservations", c.change)
		found, ok := body["reservations"].([]any)
		if status != http.StatusOK || !ok || len(found) != c.found {
			t.Errorf("%s: %d %v, want %d reservations", name, status, body, c.found)
		}
	}
	wantProblem(t, svc, "list-reservations", func(in *events.APIGatewayProxyRequest) {
		in.MultiValueQueryStringParameters["orderIds"] = []string{"01KAQ5M3Z8V7D2X4C6B9N1T0RW,1"}
	}, http.StatusBadRequest, "InvalidRequest")
}
