package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
)

// ShowNextAction builds the function show-next-action.
func ShowNextAction(env *function.Env) function.Handler { return showNextAction(service(env)) }

func showNextAction(svc *orders.Service) function.Handler {
	schemas := schema.Load(contract.Schemas, contract.PaymentActionRequired, contract.PaymentActionEnded)
	return consumer.Handle(schemas, consumer.Decoded(svc.ShowNextAction))
}
