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
	return consumer.Handle(schemas, func(ctx context.Context, e envelope.Event) error {
		in, err := envelope.Decode[contract.PriceChanged](e)
		if err != nil {
			return err
		}
		return svc.ProjectProduct(ctx, in.SKU)
	})
}
