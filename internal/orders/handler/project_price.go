package handler

import (
	"context"

	"orderflow/internal/catalog/contract"
	"orderflow/internal/orders"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
)

// ProjectPrice builds the function project-price.
func ProjectPrice(env *function.Env) function.Handler { return projectPrice(service(env)) }

func projectPrice(svc *orders.Service) function.Handler {
	schemas := schema.Load(contract.Schemas, contract.ProductPriceChanged)
	return consumer.Handle(schemas, consumer.Decoded(
		func(ctx context.Context, e envelope.Event, in contract.PriceChanged) error {
			return svc.ProjectPrice(ctx, in)
		}))
}
