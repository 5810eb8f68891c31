package providertest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/platform/money"
)

// Serve offers a provider over HTTP until the test ends, and returns its base URL.
func Serve(t *testing.T, p payments.Provider) string {
	t.Helper()
	server := httptest.NewServer(Handler(p))
	t.Cleanup(server.Close)
	return server.URL
}

// Handler offers a provider by the sandbox's HTTP contract.
func Handler(p payments.Provider) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /charges", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Reference     string      `json:"reference"`
			Amount        money.Money `json:"amount"`
			PaymentMethod string      `json:"paymentMethod"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Idempotency-Key") == "" {
			answer(w, http.StatusBadRequest, map[string]string{"code": "invalid_request"})
			return
		}
		c, err := p.Authorize(r.Context(), payments.Authorization{
			Reference: in.Reference, IdempotencyKey: r.Header.Get("Idempotency-Key"), Amount: in.Amount, PaymentMethod: in.PaymentMethod,
		})
		reply(w, http.StatusCreated, shown(c), err)
	})
	mux.HandleFunc("POST /charges/{reference}/capture", func(w http.ResponseWriter, r *http.Request) {
		c, err := p.Capture(r.Context(), about(r))
		reply(w, http.StatusOK, shown(c), err)
	})
	mux.HandleFunc("POST /charges/{reference}/void", func(w http.ResponseWriter, r *http.Request) {
		c, found, err := p.Void(r.Context(), about(r))
		body := map[string]any{"charge": nil}
		if found {
			body["charge"] = shown(c)
		}
		reply(w, http.StatusOK, body, err)
	})
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Has("reference") || q.Has("charge") {
			c, found, err := p.Find(r.Context(), payments.Subject{Reference: q.Get("reference"), ChargeID: q.Get("charge")})
			charges := []map[string]any{}
			if found {
				charges = append(charges, shown(c))
			}
			reply(w, http.StatusOK, map[string]any{"charges": charges}, err)
			return
		}
		page, next, err := p.Ledger(r.Context(), r.URL.Query().Get("cursor"))
		charges := make([]map[string]any, len(page))
		for i, c := range page {
			charges[i] = shown(c.Charge)
			charges[i]["createdAt"] = c.CreatedAt
		}
		reply(w, http.StatusOK, map[string]any{"charges": charges, "cursor": next}, err)
	})
	return mux
}

func about(r *http.Request) payments.Subject {
	return payments.Subject{Reference: r.PathValue("reference"), IdempotencyKey: r.Header.Get("Idempotency-Key")}
}

func shown(c payments.Charge) map[string]any {
	return map[string]any{"id": c.ID, "reference": c.Reference, "status": c.Status, "amount": c.Amount,
		"captured": c.Status == payments.ChargeCaptured, "refundedAmount": money.Money{Currency: c.Amount.Currency, Amount: c.Refunded}, "dispute": c.Dispute}
}

func reply(w http.ResponseWriter, status int, body any, err error) {
	var no *payments.Declined
	switch {
	case err == nil:
		answer(w, status, body)
	case errors.As(err, &no):
		answer(w, http.StatusPaymentRequired, map[string]string{"code": no.Code})
	case errors.Is(err, payments.ErrReferenceVoided):
		answer(w, http.StatusConflict, map[string]string{"code": "reference_voided"})
	case errors.Is(err, payments.ErrNoCharge):
		answer(w, http.StatusNotFound, map[string]string{"code": "no_charge"})
	default:
		answer(w, http.StatusInternalServerError, map[string]string{"code": "internal"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}
