package api_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
)

// BenchmarkColdStart measures what an HTTP function does once: Load and the first Validate.
func BenchmarkColdStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		op := load(b, "placeOrder")
		if err := op.Validate(request(op, "", order(line)), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValidate measures the validation of a request.
func BenchmarkValidate(b *testing.B) {
	op := load(b, "placeOrder")
	b.ReportAllocs()
	for b.Loop() {
		if err := op.Validate(request(op, "", order(line)), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWholeDocument measures the alternative, parsing openapi.yaml at the start.
func BenchmarkWholeDocument(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openapi3.NewLoader().LoadFromData(api.Spec()); err != nil {
			b.Fatal(err)
		}
	}
}
