package tracing_test

import (
	"context"
	"fmt"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

// A consumer continues the trace of an event. Without a provider nothing is recorded, and the
// context is passed on.
func ExampleStart() {
	ctx := tracing.With(context.Background(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ctx, span := tracing.Start(ctx, "process orderflow.tea.pot.brewed.v1", tracing.Consumer)
	fmt.Println(tracing.XRay(ctx))
	tracing.End(span, fault.New(fault.Conflict, "PotEmpty", "there is no tea left"))
	// Output: Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1
}
