package e2e_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/httpfile"
	"orderflow/internal/ops/client"
)

// The collection is filled in as by `go run ./cmd/dev http`, and its requests are sent in order.
func TestTheCollectionForEditorsWorks(t *testing.T) {
	const user = "http"
	wantFinal(t, place(t, clientOf(user, ""), order("MUG-BLUE", 1, "pm_card_visa")), client.Confirmed, "")
	values, err := demo.Of(stack, user).Collection(t.Context(), stack.Outputs["ApiUrl"])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/orderflow.http")
	if err != nil {
		t.Fatal(err)
	}
	filled, err := httpfile.Fill(string(text), values)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := httpfile.Parse(filled)
	if err != nil || len(requests) == 0 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for _, r := range requests {
		t.Run(r.Name, func(t *testing.T) {
			body, err := r.Send(t.Context())
			if err != nil {
				t.Error(err)
			}
			if strings.HasSuffix(r.URL, "/v1/graphql") && bytes.Contains(body, []byte(`"errors"`)) {
				t.Errorf("%s", body) // an operation that failed has the status 200, too
			}
		})
	}
}
