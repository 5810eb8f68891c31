package handler

import (
	"context"
	"net/http"

	"orderflow/internal/payments"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/secrets"
)

// secret gives what webhooks are signed with.
type secret func(ctx context.Context) ([]byte, error)

// ReceivePaymentWebhook composes the function receive-payment-webhook.
func ReceivePaymentWebhook(env *function.Env) function.Handler {
	return receivePaymentWebhook(service(env), secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock).Value, env.Clock)
}

func receivePaymentWebhook(svc *payments.Service, key secret, c clock.Clock) function.Handler {
	svc.OnConcern(func(ctx context.Context, c payments.Concern) {
		metrics.Count(ctx, metrics.PaymentsToLookAt, 1, metrics.Reason(string(c)))
	})
	verify := func(ctx context.Context, r *httpapi.Request) error {
		k, err := key(ctx)
		if err != nil {
			return err
		}
		return stripe.Verify(k, r.Header.Get(stripe.HeaderSignature), r.Body, c.Now())
	}
	return httpapi.HandleVerified("receivePaymentWebhook", verify, func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		e, err := httpapi.Decode[stripe.Event](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		done := httpapi.Response{Status: http.StatusNoContent}
		if n, ok := e.Notice(); ok {
			return done, svc.ReceiveNotice(ctx, n)
		}
		return done, nil
	})
}
