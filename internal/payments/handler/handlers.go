package handler

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
)

// Handlers returns payments' functions by name, over use cases that somebody else composed. key gives what the
// provider's webhooks are signed with.
func Handlers(svc *payments.Service, key func(context.Context) ([]byte, error), c clock.Clock) (map[string]function.Handler, error) {
	order, err := projectOrder(svc)
	if err != nil {
		return nil, err
	}
	reconcile, err := reconcileCharges(svc)
	if err != nil {
		return nil, err
	}
	webhook, err := receivePaymentWebhook(svc, key, c)
	if err != nil {
		return nil, err
	}
	payment, err := getPayment(svc)
	return map[string]function.Handler{
		"authorize-payment":       authorizePayment(svc),
		"capture-payment":         capturePayment(svc),
		"void-payment":            voidPayment(svc),
		"get-payment":             payment,
		"project-order":           order,
		"reconcile-charges":       reconcile,
		"receive-payment-webhook": webhook,
	}, err
}
