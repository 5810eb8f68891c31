package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/step"
)

// Handlers returns payments' functions by name, over use cases built by the caller.
func Handlers(svc *payments.Service, webhooks signature.Verifier) map[string]function.Handler {
	return map[string]function.Handler{
		"authorize-payment":       step.Handle(svc.AuthorizePayment),
		"capture-payment":         step.Handle(svc.CapturePayment),
		"void-payment":            step.Handle(svc.VoidPayment),
		"get-payment":             getPayment(svc),
		"project-order":           projectOrder(svc),
		"reconcile-charges":       reconcileCharges(svc),
		"receive-payment-webhook": receivePaymentWebhook(svc, webhooks),
	}
}
