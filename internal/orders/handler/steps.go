package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ConfirmOrder composes the function confirm-order.
func ConfirmOrder(env *function.Env) (function.Handler, error) { return confirmOrder(service(env)) }

func confirmOrder(svc *orders.Service) (function.Handler, error) {
	return step.Handle(svc.ConfirmOrder), nil
}

// CloseOrder composes the function close-order.
func CloseOrder(env *function.Env) (function.Handler, error) { return closeOrder(service(env)) }

func closeOrder(svc *orders.Service) (function.Handler, error) {
	return step.Handle(svc.CloseOrder), nil
}

// RejectOrder composes the function reject-order.
func RejectOrder(env *function.Env) (function.Handler, error) { return rejectOrder(service(env)) }

func rejectOrder(svc *orders.Service) (function.Handler, error) {
	return step.Handle(svc.RejectOrder), nil
}

// FlagOrder composes the function flag-order.
func FlagOrder(env *function.Env) (function.Handler, error) { return flagOrder(service(env)) }

func flagOrder(svc *orders.Service) (function.Handler, error) {
	return step.Handle(svc.FlagOrder), nil
}
