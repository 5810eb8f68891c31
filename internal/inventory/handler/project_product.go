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
func ProjectProduct(env *function.Env) (function.Handler, error) { return projectProduct(service(env)) }

func projectProduct(svc *inventory.Service) (function.Handler, error) {
	schemas, err := schema.Load(contract.Schemas, contract.ProductPriceChanged)
	if err != nil {
		return nil, err
	}
	return consumer.Handle(schemas, func(ctx context.Context, e envelope.Event) error {
		in, err := envelope.Decode[contract.PriceChanged](e)
		if err != nil {
			return err
		}
		return svc.ProjectProduct(ctx, in.SKU)
	}), nil
}
