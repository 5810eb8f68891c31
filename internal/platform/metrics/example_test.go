package metrics_test

import (
	"context"
	"log/slog"
	"os"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/metrics"
)

func Example() {
	labels := metrics.Labels{Stage: "dev", Service: "orders", Function: "place-order"}
	ids := func(context.Context) []slog.Attr { return []slog.Attr{slog.String("orderId", "o-1")} }
	ctx := metrics.With(context.Background(), metrics.NewEmitter(os.Stdout, clock.At(time.UnixMilli(1)), labels, ids))
	metrics.Count(ctx, metrics.OrdersPlaced, 1)
	// Output:
	// {"Function":"place-order","OrdersPlaced":1,"Service":"orders","Stage":"dev","_aws":{"CloudWatchMetrics":[{"Namespace":"Orderflow","Dimensions":[["Stage"]],"Metrics":[{"Name":"OrdersPlaced","Unit":"Count"}]}],"Timestamp":1},"orderId":"o-1"}
}
