package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/warehouse"
)

// Handlers returns warehouse's functions by name, over use cases built by the caller.
func Handlers(svc *warehouse.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"adjust-stock-levels": adjustStockLevels(svc),
		"receive-goods":       receiveGoods(svc),
		"send-pick-job":       sendPickJob(svc),
	}
}
