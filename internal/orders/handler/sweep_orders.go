package handler

import (
	"context"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schedule"
)

// SweepOrders builds the function sweep-orders.
func SweepOrders(env *function.Env) function.Handler { return sweepOrders(service(env)) }

func sweepOrders(svc *orders.Service) function.Handler {
	return schedule.Handle(func(ctx context.Context) (schedule.Report, error) {
		did, err := svc.SweepOrders(ctx)
		return schedule.Report{"overdue": did.Overdue, "stuck": did.Stuck, "flagged": did.Flagged}, err
	})
}
