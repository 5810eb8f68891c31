package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
)

// Handlers returns orders' functions by name, over use cases that somebody else composed.
func Handlers(svc *orders.Service) (map[string]function.Handler, error) {
	all := map[string]function.Handler{}
	for name, compose := range map[string]func(*orders.Service) (function.Handler, error){
		"place-order":   placeOrder,
		"get-order":     getOrder,
		"list-orders":   listOrders,
		"cancel-order":  cancelOrder,
		"confirm-order": confirmOrder,
		"close-order":   closeOrder,
		"reject-order":  rejectOrder,
		"flag-order":    flagOrder,
		"project-price": projectPrice,
		"sweep-orders":  sweepOrders,
	} {
		h, err := compose(svc)
		if err != nil {
			return nil, err
		}
		all[name] = h
	}
	return all, nil
}
