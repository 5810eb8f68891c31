package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
)

// ListPayments composes the function list-payments.
func ListPayments(env *function.Env) function.Handler {
	return listPayments(payments.New(dynamo.Open(ddb.FromEnv(env)), nil, env.Clock, env.IDs))
}

func listPayments(svc *payments.Service) function.Handler {
	return own.List("listPayments", "payments", "orderIds", svc.ListPayments)
}
