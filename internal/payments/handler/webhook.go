package handler

import (
	"context"
	"net/http"

	"orderflow/internal/payments"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/signature"
)

func receivePaymentWebhook(svc *payments.Service, webhooks signature.Verifier) function.Handler {
	svc.OnConcern(func(ctx context.Context, c payments.Concern) {
		metrics.Count(ctx, metrics.PaymentsToLookAt, 1, metrics.Reason(string(c)))
	})
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		e, err := httpapi.Decode[stripe.Event](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		done := httpapi.Response{Status: http.StatusNoContent}
		if n, ok := e.Notice(); ok {
			return done, svc.ReceiveNotice(ctx, n)
		}
		return done, nil
	}
	return httpapi.HandleVerified("receivePaymentWebhook", webhooks.Verify, handle)
}

// ReceivePaymentWebhook builds the function receive-payment-webhook.
func ReceivePaymentWebhook(env *function.Env) function.Handler {
	return receivePaymentWebhook(service(env), signature.FromEnv(env, stripe.Signatures))
}
