package handler

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schedule"
)

// ReconcileCharges composes the function reconcile-charges.
func ReconcileCharges(env *function.Env) (function.Handler, error) {
	svc, err := service(env)
	if err != nil {
		return nil, err
	}
	return reconcileCharges(svc)
}

func reconcileCharges(svc *payments.Service) (function.Handler, error) {
	return schedule.Handle(func(ctx context.Context) (schedule.Report, error) {
		found, err := svc.ReconcileCharges(ctx)
		return schedule.Report{"voided": found.Voided, "flagged": found.Flagged}, err
	}), nil
}
