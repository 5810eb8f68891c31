package handler

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// Handlers returns payments' functions by name, over use cases built by the caller.
// key gives what webhooks are signed with.
func Handlers(svc *payments.Service, key func(context.Context) ([]byte, error), c clock.Clock) map[string]function.Handler {
	return map[string]function.Handler{
		"authorize-payment":       step.Handle(svc.AuthorizePayment),
		"capture-payment":         step.Handle(svc.CapturePayment),
		"void-payment":            step.Handle(svc.VoidPayment),
		"get-payment":             getPayment(svc),
		"project-order":           projectOrder(svc),
		"reconcile-charges":       reconcileCharges(svc),
		"receive-payment-webhook": receivePaymentWebhook(svc, key, c),
	}
}
