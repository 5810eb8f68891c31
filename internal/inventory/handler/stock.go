package handler

import (
	"context"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

func fromDomain(s inventory.Stock) contract.Stock {
	return contract.Stock{
		SKU: s.SKU, OnHand: s.OnHand(), Reserved: s.Reserved, Shipped: s.Shipped, Available: s.Available,
		Moving: s.Moving,
	}
}

// GetStock composes the function get-stock.
func GetStock(env *function.Env) function.Handler { return getStock(service(env)) }

func getStock(svc *inventory.Service) function.Handler {
	return httpapi.Get("getStock", "sku", svc.GetStock, fromDomain)
}

// AdjustStock composes the function adjust-stock.
func AdjustStock(env *function.Env) function.Handler { return adjustStock(service(env)) }

func adjustStock(svc *inventory.Service) function.Handler {
	return httpapi.Handle("adjustStock", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		a, err := httpapi.Decode[inventory.Adjustment](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		a.SKU, a.By = r.Path["sku"], r.Caller.Subject
		s, replayed, err := svc.AdjustStock(ctx, r.Idempotency(), a)
		return httpapi.OK(fromDomain(s)).Replayed(replayed), err
	})
}
