package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"orderflow/internal/client"
)

// exchange sends a request as an ordinary client does, and returns the answer with its body.
func exchange(t *testing.T, method, url, body string, header map[string]string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range header {
		req.Header.Set(name, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

func TestTheLocationOfAnOrderLeadsToIt(t *testing.T) {
	body, err := json.Marshal(order("MUG-BLUE", 1, "pm_card_visa"))
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]string{"Authorization": "Bearer " + bearer(t, "alice", ""), "Content-Type": "application/json"}
	for _, path := range []string{"/v1/orders", "/v1/orders/"} {
		res, b := exchange(t, http.MethodPost, stack.Outputs["ApiUrl"]+path, string(body), header)
		var placed, found client.Order
		if err := json.Unmarshal(b, &placed); err != nil || res.StatusCode != http.StatusAccepted {
			t.Fatalf("POST %s: %d %s", path, res.StatusCode, b)
		}
		to, err := res.Location() // resolved as RFC 3986 says
		if err != nil {
			t.Fatal(err)
		}
		res, b = exchange(t, http.MethodGet, to.String(), "", header)
		if err := json.Unmarshal(b, &found); err != nil || res.StatusCode != http.StatusOK || found.OrderID != placed.OrderID {
			t.Errorf("POST %s refers to %s, which answers %d %s", path, to, res.StatusCode, b)
		}
		wantFinal(t, placed, client.Confirmed, "")
	}
}

func TestCancelTakesAnEmptyObject(t *testing.T) {
	header := map[string]string{"Authorization": "Bearer " + bearer(t, "alice", ""), "Content-Type": "application/json"}
	for body, status := range map[string]int{"{}": http.StatusNotFound, "": http.StatusNotFound, `{"a":1}`: http.StatusBadRequest} {
		res, b := exchange(t, http.MethodPost, stack.Outputs["ApiUrl"]+"/v1/orders/01JZX3M7Q8N5T2V4W6Y8A0B1C3/cancel", body, header)
		if res.StatusCode != status {
			t.Errorf("the body %q is answered with %d %s, want %d", body, res.StatusCode, b, status)
		}
	}
}
