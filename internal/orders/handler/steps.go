package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ConfirmOrder builds the function confirm-order.
func ConfirmOrder(env *function.Env) function.Handler {
	return step.Handle(service(env).TrackedAt(env.Optional("TRACKING_URL")).ConfirmOrder)
}

// CloseOrder builds the function close-order.
func CloseOrder(env *function.Env) function.Handler { return step.Handle(service(env).CloseOrder) }

// RejectOrder builds the function reject-order.
func RejectOrder(env *function.Env) function.Handler { return step.Handle(service(env).RejectOrder) }

// FlagOrder builds the function flag-order.
func FlagOrder(env *function.Env) function.Handler { return step.Handle(service(env).FlagOrder) }
