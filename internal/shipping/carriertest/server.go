package carriertest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// Serve offers a carrier over HTTP until the test ends, and returns its base URL.
func Serve(t *testing.T, c shipping.Carrier) string {
	t.Helper()
	server := httptest.NewServer(Handler(c))
	t.Cleanup(server.Close)
	return server.URL
}

// Handler offers a carrier by the sandbox's HTTP contract.
func Handler(c shipping.Carrier) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /shipments", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Reference string           `json:"reference"`
			Address   contract.Address `json:"address"`
			Items     []contract.Line  `json:"items"`
		}
		err := json.NewDecoder(r.Body).Decode(&in)
		if err != nil || r.Header.Get("Idempotency-Key") == "" || in.Address.Line1 == "" || len(in.Items) == 0 {
			answer(w, http.StatusBadRequest, map[string]string{"code": "invalid_request"})
			return
		}
		sh, err := c.Book(r.Context(), shipping.Booking{
			Reference: in.Reference, IdempotencyKey: r.Header.Get("Idempotency-Key"), Address: in.Address, Items: in.Items,
		})
		reply(w, http.StatusAccepted, map[string]string{"id": sh.ID, "reference": sh.Reference, "status": "REQUESTED"}, err)
	})
	mux.HandleFunc("POST /shipments/{reference}/cancel", func(w http.ResponseWriter, r *http.Request) {
		sh, found, err := c.Cancel(r.Context(), r.PathValue("reference"), r.Header.Get("Idempotency-Key"))
		body := map[string]any{"shipment": nil}
		if found {
			body["shipment"] = map[string]string{"id": sh.ID, "reference": sh.Reference, "status": "CANCELLED"}
		}
		reply(w, http.StatusOK, body, err)
	})
	return mux
}

func reply(w http.ResponseWriter, status int, body any, err error) {
	switch {
	case err == nil:
		answer(w, status, body)
	case errors.Is(err, shipping.ErrReferenceCancelled):
		answer(w, http.StatusConflict, map[string]string{"code": "reference_cancelled"})
	default:
		answer(w, http.StatusInternalServerError, map[string]string{"code": "internal"})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}
