package handler

import (
	"context"
	"errors"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schedule"
)

// SweepReservations composes the function sweep-reservations, which merges split products, too.
func SweepReservations(env *function.Env) function.Handler { return sweepReservations(service(env)) }

func sweepReservations(svc *inventory.Service) function.Handler {
	return schedule.Handle(func(ctx context.Context) (schedule.Report, error) {
		overdue, stuck, err := svc.SweepReservations(ctx)
		merged, failed := svc.MergeStock(ctx)
		return schedule.Report{"overdue": overdue, "stuck": stuck, "merged": merged}, errors.Join(err, failed)
	})
}
