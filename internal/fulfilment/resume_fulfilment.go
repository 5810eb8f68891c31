package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/envelope"
	shipping "orderflow/internal/shipping/contract"
)

// ResumeFulfilment ends a saga's wait: it passes on the carrier's answer, or the news that the
// customer no longer has to act for the payment. An event without a token precedes the wait; its
// service repeats it with a token once the saga waits. A stale token, of a duplicate or late event,
// is ignored.
func (s *Service) ResumeFulfilment(ctx context.Context, e envelope.Event) error {
	answer, err := envelope.Decode[struct{ ResumeToken, TrackingNumber string }](e)
	if err != nil {
		return err
	}
	if answer.ResumeToken == "" {
		return nil
	}
	token := answer.ResumeToken
	switch e.Type {
	case payments.PaymentActionEnded:
		err = s.engine.Succeed(ctx, token, json.RawMessage(`{}`))
	case shipping.ShipmentBooked:
		output, _ := json.Marshal(map[string]string{"trackingNumber": answer.TrackingNumber}) // strings always encode
		err = s.engine.Succeed(ctx, token, output)
	case shipping.ShipmentRefused:
		err = s.engine.Fail(ctx, token, "ShipmentRefused", "the carrier refuses the shipment")
	case shipping.ShipmentCancelled:
		err = s.engine.Fail(ctx, token, "ShipmentCancelled", "the shipment was cancelled")
	}
	if errors.Is(err, ErrStaleToken) {
		slog.InfoContext(ctx, "the saga no longer waits")
		return nil
	}
	return err
}
