package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// Handlers returns orders' functions by name, over use cases built by the caller.
func Handlers(svc *orders.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"place-order":   placeOrder(svc),
		"get-order":     getOrder(svc),
		"list-orders":   listOrders(svc),
		"cancel-order":  cancelOrder(svc),
		"confirm-order": step.Handle(svc.ConfirmOrder),
		"close-order":   step.Handle(svc.CloseOrder),
		"reject-order":  step.Handle(svc.RejectOrder),
		"flag-order":    step.Handle(svc.FlagOrder),
		"project-price": projectPrice(svc),
		"sweep-orders":  sweepOrders(svc),
	}
}
