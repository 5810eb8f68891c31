package handler

import (
	"context"
	"log/slog"
	"net/http"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/secrets"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/webhook"
)

// secret gives what callbacks are signed with.
type secret func(ctx context.Context) ([]byte, error)

// ReceiveCarrierWebhook composes the function receive-carrier-webhook.
func ReceiveCarrierWebhook(env *function.Env) function.Handler {
	s := secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock)
	return receiveCarrierWebhook(keeping(env), s.Value, env.Clock)
}

func receiveCarrierWebhook(svc *shipping.Service, key secret, c clock.Clock) function.Handler {
	verify := func(ctx context.Context, r *httpapi.Request) error {
		k, err := key(ctx)
		if err != nil {
			return err
		}
		return webhook.Verify(k, r.Header.Get(webhook.HeaderTimestamp), r.Header.Get(webhook.HeaderSignature), r.Body, c.Now())
	}
	return httpapi.HandleVerified("receiveCarrierWebhook", verify, func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		done := httpapi.Response{Status: http.StatusNoContent}
		cb, decides, err := webhook.Read(r.Body)
		switch {
		case err != nil:
			return httpapi.Response{}, err
		case !decides:
			slog.InfoContext(ctx, "a callback decides nothing", "callbackId", cb.ID)
			return done, nil
		case cb.Status == shipping.StatusBooked && cb.TrackingNumber == "":
			slog.WarnContext(ctx, "a shipment was booked without a tracking number that can be used", "callbackId", cb.ID)
		}
		return done, svc.ReceiveCallback(ctx, cb)
	})
}
