package handler

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func skus(list ...string) edit {
	return func(in *events.APIGatewayProxyRequest) {
		in.MultiValueQueryStringParameters = map[string][]string{"skus": {strings.Join(list, ",")}}
	}
}

func TestAnybodyReadsWhatIsInStockAndMayKeepIt(t *testing.T) {
	status, headers, body := call(t, stocked(t), "list-availability", skus("TEA-EARL-GREY", "NONE", "TEA-EARL-GREY"))
	const want = "[map[asOf:2026-11-23T09:00:00.000Z sku:TEA-EARL-GREY status:IN_STOCK] " +
		"map[asOf:2026-11-23T09:00:00.000Z sku:NONE status:OUT_OF_STOCK]]"
	if status != http.StatusOK || fmt.Sprint(body["availability"]) != want {
		t.Errorf("%d %v, want %s", status, body, want)
	}
	if kept := headers["Cache-Control"]; kept != "public, max-age=30" {
		t.Errorf("kept: %q", kept)
	}
}

func TestAvailabilityIsOfOneToFiftySKUs(t *testing.T) {
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint("SKU-", i)
	}
	for _, change := range []edit{
		skus(many...), skus("a b"), skus(""),
		func(in *events.APIGatewayProxyRequest) { in.MultiValueQueryStringParameters = nil },
	} {
		wantProblem(t, stocked(t), "list-availability", change, http.StatusBadRequest, "InvalidRequest")
	}
	status, _, body := call(t, stocked(t), "list-availability", skus(many[:50]...))
	if found, _ := body["availability"].([]any); status != http.StatusOK || len(found) != 50 {
		t.Errorf("%d %v", status, body)
	}
}
