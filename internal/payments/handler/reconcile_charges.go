package handler

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schedule"
)

// ReconcileCharges builds the function reconcile-charges.
func ReconcileCharges(env *function.Env) function.Handler { return reconcileCharges(service(env)) }

func reconcileCharges(svc *payments.Service) function.Handler {
	return schedule.Handle(func(ctx context.Context) (schedule.Report, error) {
		found, err := svc.ReconcileCharges(ctx)
		return schedule.Report{"voided": found.Voided, "flagged": found.Flagged}, err
	})
}
