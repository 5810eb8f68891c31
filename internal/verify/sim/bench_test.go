package sim

import (
	"context"
	"testing"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/rawjson"
)

// BenchmarkRun measures a seed.
func BenchmarkRun(b *testing.B) {
	d, orders := load(b, Mutant{}), 0
	for seed := uint64(1); b.Loop(); seed++ {
		r, _ := Run(seed, short, d, Mutant{})
		orders += r.Orders
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(orders), "µs/order")
}

// BenchmarkFunctions measures invocations: bytes in, bytes out. Each repeats the last successful
// invocation of a run, as if it were delivered again.
func BenchmarkFunctions(b *testing.B) {
	type invocation struct {
		handler function.Handler
		payload []byte
	}
	last := map[string]invocation{}
	record := Mutant{functions: func(w *World) {
		for name, h := range w.functions {
			w.functions[name] = function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
				out, err := h.Invoke(ctx, payload)
				if err == nil && rawjson.String(payload, "sweep") == "" {
					last[name] = invocation{h, payload}
				}
				return out, err
			})
		}
	}}
	Run(1, short, load(b, Mutant{}), record)
	for _, name := range []string{
		"place-order", "authorize-payment", "commit-stock", "notify-customer", "project-order", "relay-orders-events",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := last[name].handler.Invoke(b.Context(), last[name].payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
