package handler

import (
	"context"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// stock is the API's form of inventory.Stock.
type stock struct {
	inventory.Stock
	// Available is what can still be reserved: what is on hand.
	Available int `json:"available"`
}

// GetStock composes the function get-stock.
func GetStock(env *function.Env) (function.Handler, error) { return getStock(service(env)) }

func getStock(svc *inventory.Service) (function.Handler, error) {
	return httpapi.Handle("getStock", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		s, err := svc.GetStock(ctx, r.Path["sku"])
		return httpapi.OK(stock{s, s.OnHand}), err
	})
}

// AdjustStock composes the function adjust-stock.
func AdjustStock(env *function.Env) (function.Handler, error) { return adjustStock(service(env)) }

func adjustStock(svc *inventory.Service) (function.Handler, error) {
	return httpapi.Handle("adjustStock", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		a, err := httpapi.Decode[contract.Adjusted](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		a.SKU, a.By = r.Path["sku"], r.Caller.Subject
		s, replayed, err := svc.AdjustStock(ctx, r.Idempotency(), a)
		return httpapi.OK(stock{s, s.OnHand}).Replayed(replayed), err
	})
}
