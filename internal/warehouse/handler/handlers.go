package handler

import (
	"context"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/rabbitmq/source"
	"orderflow/internal/platform/schema"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
)

// Handlers returns warehouse's functions by name, over use cases built by the caller.
func Handlers(svc *warehouse.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"adjust-stock-levels": adjustStockLevels(svc),
		"receive-goods":       receiveGoods(svc),
		"send-pick-job":       sendPickJob(svc),
	}
}

func sendPickJob(svc *warehouse.Service) function.Handler {
	schemas := schema.Merge(
		schema.Load(orders.Schemas, orders.OrderConfirmed, orders.OrderCancelled),
		schema.Load(inventory.Schemas, inventory.StockCommitted))
	return consumer.Handle(schemas, svc.SendPickJob)
}

func receiveGoods(svc *warehouse.Service) function.Handler {
	return source.Messages(func(ctx context.Context, m source.Message) error {
		parked, err := svc.Receive(ctx, warehouse.Message(m))
		if parked && err == nil {
			metrics.Count(ctx, metrics.ParkedMessages, 1)
		}
		return err
	})
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
