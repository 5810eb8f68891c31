package api_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
)

// BenchmarkColdStart is what an HTTP function pays once: Load and the first Validate.
func BenchmarkColdStart(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		op := load(b, "placeOrder")
		if err := op.Validate(request(op, "", order(line)), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValidate is what every request pays.
func BenchmarkValidate(b *testing.B) {
	op := load(b, "placeOrder")
	b.ReportAllocs()
	for b.Loop() {
		if err := op.Validate(request(op, "", order(line)), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWholeDocument is what parsing openapi.yaml at the start would cost instead.
func BenchmarkWholeDocument(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openapi3.NewLoader().LoadFromData(api.Spec()); err != nil {
			b.Fatal(err)
		}
	}
}
