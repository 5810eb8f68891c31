package api_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"orderflow/api"
	"orderflow/internal/platform/jsonschema"
)

// odd lists JSON values that replace every value of every example in turn.
var odd = []string{
	`null`, `true`, `""`, `" "`, `"x"`, `"EUR"`, `"\u0000"`, `"ä"`, `"` + strings.Repeat("a", 300) + `"`,
	`"01KAQ5M3Z8V7D2X4C6B9N1T0RW"`, `0`, `-0`, `1`, `-1`, `1.0`, `1.5`, `999`, `1000`, `1e3`, `1e-3`, `1000001`,
	`9223372036854775807`, `9223372036854775808`, `1e30`, `"1"`,
	`[]`, `[null]`, `[{}]`, `{}`, `{"x":1}`, `"DE"`, `"BOOKED"`, `"booked"`,
	`"\u00a0"`, `"A\u202eb"`, `"A\u2028b"`, `"A\u0085b"`, `"می\u200cخواهم"`, `"4111111111111111"`,
	`"4111-1111-1111-1111"`, `"4222222222222"`,
}

// TestResultsEqualThoseOfKinOpenAPI changes every example request in every place, and compares.
func TestResultsEqualThoseOfKinOpenAPI(t *testing.T) {
	for _, format := range []jsonschema.Format{jsonschema.OneLineText, jsonschema.NoCardNumber, jsonschema.SKU} {
		// kin-openapi lacks these formats, so the test compares only where they apply.
		openapi3.DefineStringFormatValidator(string(format), openapi3.NewCallbackValidator(func(s string) error {
			if !format.Holds(s) {
				return errors.New("does not have the format")
			}
			return nil
		}))
	}
	doc := document(t)
	accepted, refused := 0, 0
	for id, route := range routes(doc) {
		op := load(t, id)
		if op.Body == nil {
			continue
		}
		for _, body := range bodies(t, route) {
			for _, text := range mutants(t, body) {
				want := oracle(t, doc, route, op, text)
				got := op.Validate(request(op, "", text), good)
				if (got == nil) != (want == nil) {
					t.Errorf("%s %s\n got: %v\nwant: %v", id, text, got, want)
				}
				if want == nil {
					accepted++
				} else {
					refused++
				}
			}
		}
	}
	if accepted < 50 || refused < 500 {
		t.Errorf("%d accepted and %d refused are too few to compare", accepted, refused)
	}
}

func oracle(t *testing.T, doc *openapi3.T, route route, op *api.Operation, body string) error {
	return openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
		Request: request(op, "", body), PathParams: good,
		Route: &routers.Route{
			Spec: doc, Path: route.path, PathItem: doc.Paths.Value(route.path), Method: route.method,
			Operation: route.Operation,
		},
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
		},
	})
}

// mutants returns text with each value replaced by each odd one, with each field omitted, and with
// a field added to each object.
func mutants(t *testing.T, text string) []string {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	var all []string
	emit := func() {
		b, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	var visit func(node any, set func(any))
	visit = func(node any, set func(any)) {
		for _, value := range odd {
			set(json.RawMessage(value))
			emit()
		}
		set(node)
		switch n := node.(type) {
		case map[string]any:
			for name, value := range n {
				delete(n, name)
				emit()
				n[name] = value
				visit(value, func(v any) { n[name] = v })
			}
			n["unheardOf"] = 1
			emit()
			delete(n, "unheardOf")
		case []any:
			for i, value := range n {
				visit(value, func(v any) { n[i] = v })
			}
		}
	}
	visit(root, func(v any) { root = v })
	return all
}
