package handler

import (
	"context"
	"encoding/json"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/fulfilment"
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
	"orderflow/internal/platform/tracing"
)

// RecoverFulfilment builds the function recover-fulfilment.
func RecoverFulfilment(env *function.Env) function.Handler {
	return recoverFulfilment(service(env, map[fulfilment.Machine]string{
		fulfilment.FulfilOrder:     env.Require("FULFIL_ORDER_ARN"),
		fulfilment.CompensateOrder: env.Require("COMPENSATE_ORDER_ARN"),
	}))
}

// ended is EventBridge's "Step Functions Execution Status Change". Its status is not read, because
// it may be outdated; the execution has the current one.
type ended struct {
	DetailType string `json:"detail-type"`
	Detail     struct {
		Name string `json:"name"`
	} `json:"detail"`
}

// recoverFulfilment handles two kinds of messages in its queue: ended executions, from EventBridge,
// and overdue orders and reservations, from the sweeps.
func recoverFulfilment(svc *fulfilment.Service) function.Handler {
	overdue := consumer.Events(schema.Merge(
		schema.Load(orders.Schemas, orders.OrderOverdue),
		schema.Load(inventory.Schemas, inventory.ReservationOverdue),
	), svc.CheckOverdue)
	return consumer.Messages(func(ctx context.Context, body []byte) error {
		var e ended
		if err := json.Unmarshal(body, &e); err != nil {
			return envelope.ErrMalformed.Because(err)
		}
		if e.DetailType == "" {
			return overdue(ctx, body)
		}
		if e.Detail.Name == "" {
			return envelope.ErrMalformed
		}
		ctx = function.WithLogAttrs(function.Traced(ctx), slog.String("execution", e.Detail.Name))
		ctx, span := tracing.Start(ctx, "process "+e.DetailType, tracing.Consumer,
			attribute.String("execution", e.Detail.Name))
		err := svc.RecoverFulfilment(ctx, e.Detail.Name)
		tracing.End(span, err)
		return err
	})
}
