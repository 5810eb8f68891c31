package handler

import (
	"orderflow/internal/fulfilment"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
	shipping "orderflow/internal/shipping/contract"
)

// StartFulfilment builds the function start-fulfilment.
func StartFulfilment(env *function.Env) function.Handler {
	return startFulfilment(starting(env, fulfilment.FulfilOrder, env.Require("FULFIL_ORDER_ARN")))
}

func startFulfilment(svc *fulfilment.Service) function.Handler {
	schemas := schema.Load(orders.Schemas, orders.OrderCreated)
	return consumer.Handle(schemas, svc.StartFulfilment)
}

// CancelFulfilment builds the function cancel-fulfilment.
func CancelFulfilment(env *function.Env) function.Handler {
	return cancelFulfilment(starting(env, fulfilment.CompensateOrder, env.Require("COMPENSATE_ORDER_ARN")))
}

func cancelFulfilment(svc *fulfilment.Service) function.Handler {
	schemas := schema.Load(orders.Schemas, orders.OrderCancellationRequested)
	return consumer.Handle(schemas, svc.CancelFulfilment)
}

// ResumeFulfilment builds the function resume-fulfilment.
func ResumeFulfilment(env *function.Env) function.Handler { return resumeFulfilment(service(env, nil)) }

func resumeFulfilment(svc *fulfilment.Service) function.Handler {
	schemas := schema.Merge(
		schema.Load(shipping.Schemas,
			shipping.ShipmentBooked, shipping.ShipmentRefused, shipping.ShipmentCancelled),
		schema.Load(payments.Schemas, payments.PaymentActionEnded),
	)
	return consumer.Handle(schemas, svc.ResumeFulfilment)
}
