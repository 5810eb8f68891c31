package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// Handlers returns orders' functions by name, using svc.
func Handlers(svc *orders.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"cancel-order":     cancelOrder(svc),
		"close-order":      step.Handle(svc.CloseOrder),
		"confirm-order":    step.Handle(svc.ConfirmOrder),
		"find-orders":      findOrders(svc),
		"flag-order":       step.Handle(svc.FlagOrder),
		"get-order":        getOrder(svc),
		"list-orders":      listOrders(svc),
		"place-order":      placeOrder(svc),
		"project-price":    projectPrice(svc),
		"reject-order":     step.Handle(svc.RejectOrder),
		"show-next-action": showNextAction(svc),
		"sweep-orders":     sweepOrders(svc),
	}
}
