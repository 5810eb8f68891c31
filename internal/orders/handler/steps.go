package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ConfirmOrder composes the function confirm-order.
func ConfirmOrder(env *function.Env) function.Handler { return step.Handle(service(env).ConfirmOrder) }

// CloseOrder composes the function close-order.
func CloseOrder(env *function.Env) function.Handler { return step.Handle(service(env).CloseOrder) }

// RejectOrder composes the function reject-order.
func RejectOrder(env *function.Env) function.Handler { return step.Handle(service(env).RejectOrder) }

// FlagOrder composes the function flag-order.
func FlagOrder(env *function.Env) function.Handler { return step.Handle(service(env).FlagOrder) }
