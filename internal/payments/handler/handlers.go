package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
)

// Handlers returns payments' functions by name, over use cases that somebody else composed.
func Handlers(svc *payments.Service) (map[string]function.Handler, error) {
	order, err := projectOrder(svc)
	if err != nil {
		return nil, err
	}
	reconcile, err := reconcileCharges(svc)
	if err != nil {
		return nil, err
	}
	payment, err := getPayment(svc)
	return map[string]function.Handler{
		"authorize-payment": authorizePayment(svc),
		"capture-payment":   capturePayment(svc),
		"void-payment":      voidPayment(svc),
		"get-payment":       payment,
		"project-order":     order,
		"reconcile-charges": reconcile,
	}, err
}
