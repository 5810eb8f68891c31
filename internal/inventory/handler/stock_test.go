package handler

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

func TestReservedStockIsOnHandAndNotAvailable(t *testing.T) {
	status, _, body := call(t, reserved(t), "get-stock", nil)
	const want = "map[available:98 moving:false onHand:100 reserved:2 shipped:0 sku:MUG-BLUE]"
	if status != http.StatusOK || fmt.Sprint(body) != want {
		t.Errorf("%d %v; want %s", status, body, want)
	}
}

func TestGetStockRefusesStrangersAndUnknownSKUs(t *testing.T) {
	svc := stocked(t)
	sku := func(value string) edit {
		return func(in *events.APIGatewayProxyRequest) { in.PathParameters["sku"] = value }
	}
	wantProblem(t, svc, "get-stock", anonymous, http.StatusUnauthorized, "Unauthenticated")
	wantProblem(t, svc, "get-stock", claim("token_use", "access"), http.StatusUnauthorized, "Unauthenticated")
	wantProblem(t, svc, "get-stock", sku("MUG-RED"), http.StatusNotFound, "StockNotFound")
	wantProblem(t, svc, "get-stock", sku("-"), http.StatusBadRequest, "InvalidRequest")
}

func TestRepeatedAdjustmentIsAReplay(t *testing.T) {
	svc := stocked(t)
	for i := range 2 {
		status, headers, body := call(t, svc, "adjust-stock", nil)
		_, replayed := headers["Idempotent-Replayed"]
		if status != http.StatusOK || body["onHand"] != 200.0 || body["available"] != 200.0 || replayed != (i == 1) {
			t.Errorf("request %d: %d %v, replayed %v; want 200 on hand", i, status, body, replayed)
		}
	}
}

func TestAdjustmentDoesNotTakeReservedStock(t *testing.T) {
	svc := reserved(t)
	wantProblem(t, svc, "adjust-stock", body(`{"delta":-99,"reason":"counted"}`),
		http.StatusConflict, "InsufficientStock")
	status, _, got := call(t, svc, "adjust-stock", body(`{"delta":-98,"reason":"counted"}`))
	const want = "map[available:0 moving:false onHand:2 reserved:2 shipped:0 sku:MUG-BLUE]"
	if status != http.StatusOK || fmt.Sprint(got) != want {
		t.Errorf("%d %v; want %s", status, got, want)
	}
}

func TestMisspeltSKUGetsNoStock(t *testing.T) {
	svc := stocked(t)
	misspelt := func(text string) edit {
		return func(in *events.APIGatewayProxyRequest) {
			in.PathParameters["sku"] = "MUG-BLEU"
			body(text)(in)
		}
	}
	wantProblem(t, svc, "adjust-stock", misspelt(`{"delta":7,"reason":"x"}`),
		http.StatusUnprocessableEntity, "UnknownSku")
	wantProblem(t, svc, "adjust-stock", misspelt(`{"delta":7,"reason":"x","allowUnknownSku":false}`),
		http.StatusUnprocessableEntity, "UnknownSku")
	wantProblem(t, svc, "adjust-stock", misspelt(`{"delta":7,"reason":"x","allowUnknownSku":"yes"}`),
		http.StatusBadRequest, "InvalidRequest")
	status, _, got := call(t, svc, "adjust-stock", misspelt(`{"delta":7,"reason":"x","allowUnknownSku":true}`))
	if status != http.StatusOK || got["available"] != 7.0 {
		t.Errorf("allowed explicitly: %d %v", status, got)
	}
}

func TestPublishedProductCanBeStocked(t *testing.T) {
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	svc := inventory.New(memory.New(c), c, &ids.Sequence{})
	wantProblem(t, svc, "adjust-stock", nil, http.StatusUnprocessableEntity, "UnknownSku")
	h := projectProduct(svc)
	for range 2 {
		out, err := h.Invoke(t.Context(), sample(t, "project-product"))
		if err != nil || string(out) != `{"batchItemFailures":[]}` {
			t.Fatalf("%s, %v", out, err)
		}
	}
	if status, _, got := call(t, svc, "adjust-stock", nil); status != http.StatusOK {
		t.Errorf("%d %v", status, got)
	}
}

func TestAdjustmentIsRefused(t *testing.T) {
	svc := stocked(t)
	wantProblem(t, svc, "adjust-stock", anonymous, http.StatusUnauthorized, "Unauthenticated")
	wantProblem(t, svc, "adjust-stock", claim("cognito:groups", "customers"), http.StatusForbidden, "Forbidden")
	wantProblem(t, svc, "adjust-stock", body(`{"delta":-101,"reason":"broken"}`),
		http.StatusConflict, "InsufficientStock")
	for _, bad := range []string{
		`{"delta":0,"reason":"x"}`, `{"delta":1}`, `{"delta":1.5,"reason":"x"}`, `{"delta":1,"reason":"x","sku":"y"}`,
		`{`,
	} {
		wantProblem(t, svc, "adjust-stock", body(bad), http.StatusBadRequest, "InvalidRequest")
	}
	if status, _, got := call(t, svc, "get-stock", nil); status != http.StatusOK || got["onHand"] != 100.0 {
		t.Errorf("a refused adjustment changed the stock to %v", got)
	}
	call(t, svc, "adjust-stock", nil)
	wantProblem(t, svc, "adjust-stock", body(`{"delta":7,"reason":"x"}`),
		http.StatusUnprocessableEntity, "IdempotencyKeyReused")
}

func body(s string) edit {
	return func(in *events.APIGatewayProxyRequest) { in.Body = s }
}
