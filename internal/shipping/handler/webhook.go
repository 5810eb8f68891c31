package handler

import (
	"context"
	"log/slog"
	"net/http"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/signature"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/webhook"
)

// ReceiveCarrierWebhook builds the function receive-carrier-webhook.
func ReceiveCarrierWebhook(env *function.Env) function.Handler {
	return receiveCarrierWebhook(storeOnly(env), signature.FromEnv(env, webhook.Signatures))
}

func receiveCarrierWebhook(svc *shipping.Service, webhooks signature.Verifier) function.Handler {
	handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		done := httpapi.Response{Status: http.StatusNoContent}
		cb, decided, err := webhook.Read(r.Body)
		switch {
		case err != nil:
			return httpapi.Response{}, err
		case !decided:
			slog.InfoContext(ctx, "ignored a callback without a decision", "callbackId", cb.ID)
			return done, nil
		case cb.Status == shipping.StatusBooked && cb.TrackingNumber == "":
			slog.WarnContext(ctx, "a shipment was booked without a usable tracking number", "callbackId", cb.ID)
		}
		return done, svc.ReceiveCallback(ctx, cb)
	}
	return httpapi.HandleVerified("receiveCarrierWebhook", webhooks.Verify, handle)
}
