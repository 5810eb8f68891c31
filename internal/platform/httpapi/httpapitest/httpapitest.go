// Package httpapitest checks what every operation of the API must do, in tests.
package httpapitest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/api"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/function"
)

// Strangers sends the sample request of each operation that needs a token, without one and, if the
// operation is for a group, as a caller outside it. samples is the directory of the functions'
// sample events.
func Strangers(t *testing.T, samples string, functions map[string]function.Handler) {
	t.Helper()
	checked := 0
	for name, h := range functions {
		op, err := api.Load(casing.LowerCamel(name))
		if err != nil || op.Public {
			continue // not an operation, or open to everyone
		}
		checked++
		wantProblem(t, h, request(t, samples+name+".json", nil), name, 401, "Unauthenticated")
		if op.Group != "" {
			outsider := map[string]any{"claims": map[string]any{"sub": "outsider", "token_use": "id"}}
			wantProblem(t, h, request(t, samples+name+".json", outsider), name, 403, "Forbidden")
		}
	}
	if checked == 0 {
		t.Error("no function needs a token")
	}
}

// request returns a sample request with another authorizer's result.
func request(t *testing.T, sample string, authorizer map[string]any) []byte {
	t.Helper()
	b, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	in.RequestContext.Authorizer = authorizer
	if b, err = json.Marshal(in); err != nil {
		t.Fatal(err)
	}
	return b
}

func wantProblem(t *testing.T, h function.Handler, payload []byte, name string, status int, code string) {
	t.Helper()
	out, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	var res events.APIGatewayProxyResponse
	var body struct{ Code string }
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(res.Body), &body); err != nil || res.StatusCode != status || body.Code != code {
		t.Errorf("%s answers %d %s, want %d %s", name, res.StatusCode, res.Body, status, code)
	}
}
