package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
)

// ListPayments composes the function list-payments.
func ListPayments(env *function.Env) function.Handler {
	return listPayments(storeOnly(env))
}

func listPayments(svc *payments.Service) function.Handler {
	return own.List("listPayments", "payments", "orderIds", svc.ListPayments)
}
