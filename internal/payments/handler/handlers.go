package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/step"
)

// Handlers returns payments' functions by name, using svc.
func Handlers(svc *payments.Service, webhooks signature.Verifier) map[string]function.Handler {
	return map[string]function.Handler{
		"authorize-payment":       step.Handle(svc.AuthorizePayment),
		"await-payment":           step.Handle(svc.AwaitPayment),
		"capture-payment":         step.Handle(svc.CapturePayment),
		"get-payment":             getPayment(svc),
		"list-payments":           listPayments(svc),
		"project-order":           projectOrder(svc),
		"receive-payment-webhook": receivePaymentWebhook(svc, webhooks),
		"reconcile-charges":       reconcileCharges(svc),
		"void-payment":            step.Handle(svc.VoidPayment),
	}
}
