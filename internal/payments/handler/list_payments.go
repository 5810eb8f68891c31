package handler

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// ListPayments composes the function list-payments.
func ListPayments(env *function.Env) function.Handler {
	return listPayments(payments.New(dynamo.Store{Table: ddb.FromEnv(env)}, nil, env.Clock, env.IDs))
}

func listPayments(svc *payments.Service) function.Handler {
	return httpapi.Handle("listPayments", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		found, err := svc.ListPayments(ctx, r.Values("orderIds"))
		owner := func(v payments.Payment) string { return v.CustomerID }
		return httpapi.Visible(r, "payments", found, owner, fromDomain), err
	})
}
