package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// AuthorizePayment builds the function authorize-payment.
func AuthorizePayment(env *function.Env) function.Handler {
	return step.Handle(service(env).AuthorizePayment)
}

// AwaitPayment builds the function await-payment, which does not call the provider.
func AwaitPayment(env *function.Env) function.Handler {
	return step.Handle(storeOnly(env).AwaitPayment)
}

// CapturePayment builds the function capture-payment.
func CapturePayment(env *function.Env) function.Handler {
	return step.Handle(service(env).CapturePayment)
}

// VoidPayment builds the function void-payment.
func VoidPayment(env *function.Env) function.Handler { return step.Handle(service(env).VoidPayment) }
