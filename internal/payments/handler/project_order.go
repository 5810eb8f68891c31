package handler

import (
	"context"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
)

// ProjectOrder builds the function project-order, which does not call the provider.
func ProjectOrder(env *function.Env) function.Handler {
	return projectOrder(payments.New(dynamo.Open(ddb.FromEnv(env)), nil, env.Clock, env.IDs))
}

func projectOrder(svc *payments.Service) function.Handler {
	schemas := schema.Load(orders.Schemas,
		orders.OrderConfirmed, orders.OrderRejected, orders.OrderCancelled, orders.OrderNeedsAttention)
	return consumer.Handle(schemas, func(ctx context.Context, e envelope.Event) error {
		return svc.ProjectOrder(ctx, e.Type, e.Subject, e.AggregateVersion)
	})
}
