package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// AuthorizePayment composes the function authorize-payment.
func AuthorizePayment(env *function.Env) (function.Handler, error) {
	svc, err := service(env)
	return authorizePayment(svc), err
}

func authorizePayment(svc *payments.Service) function.Handler {
	return step.Handle(svc.AuthorizePayment)
}

// CapturePayment composes the function capture-payment.
func CapturePayment(env *function.Env) (function.Handler, error) {
	svc, err := service(env)
	return capturePayment(svc), err
}

func capturePayment(svc *payments.Service) function.Handler {
	return step.Handle(svc.CapturePayment)
}

// VoidPayment composes the function void-payment.
func VoidPayment(env *function.Env) (function.Handler, error) {
	svc, err := service(env)
	return voidPayment(svc), err
}

func voidPayment(svc *payments.Service) function.Handler {
	return step.Handle(svc.VoidPayment)
}
