package handler

import (
	"context"

	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/schema"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
	"orderflow/internal/warehouse/signin"
	"orderflow/internal/warehouse/stockapi"
)

// AdjustStockLevels builds the function adjust-stock-levels.
func AdjustStockLevels(env *function.Env) function.Handler {
	calls := outbound.New(env, "warehouse", ddb.FromEnv(env))
	return adjustStockLevels(service(env, nil, stockapi.New(calls.To(stockapi.Name), signin.FromEnv(env))))
}

func adjustStockLevels(svc *warehouse.Service) function.Handler {
	schemas := schema.Load(contract.Schemas, contract.GoodsReceived, contract.StockCounted)
	adjust := func(ctx context.Context, _ envelope.Event, moved struct {
		MessageID string `json:"messageId"`
	}) error {
		return svc.AdjustStock(ctx, moved.MessageID)
	}
	return consumer.Handle(schemas, consumer.Decoded(adjust))
}
