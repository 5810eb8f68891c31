package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// AuthorizePayment composes the function authorize-payment.
func AuthorizePayment(env *function.Env) function.Handler {
	return step.Handle(service(env).AuthorizePayment)
}

// CapturePayment composes the function capture-payment.
func CapturePayment(env *function.Env) function.Handler {
	return step.Handle(service(env).CapturePayment)
}

// VoidPayment composes the function void-payment.
func VoidPayment(env *function.Env) function.Handler { return step.Handle(service(env).VoidPayment) }
