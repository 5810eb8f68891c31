package handler

import (
	"context"

	"orderflow/internal/catalog/contract"
	"orderflow/internal/inventory"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
)

// ProjectProduct composes the function project-product.
func ProjectProduct(env *function.Env) function.Handler { return projectProduct(service(env)) }

func projectProduct(svc *inventory.Service) function.Handler {
	schemas := schema.Load(contract.Schemas, contract.ProductPriceChanged)
	project := func(ctx context.Context, _ envelope.Event, in contract.PriceChanged) error {
		return svc.ProjectProduct(ctx, in.SKU)
	}
	return consumer.Handle(schemas, consumer.Decoded(project))
}
