package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"orderflow/internal/platform/envelope"
	shipping "orderflow/internal/shipping/contract"
)

// ResumeFulfilment passes the carrier's answer to the waiting saga. An event without a token
// precedes the wait; shipping repeats it with a token once the saga waits. A stale token, of a
// duplicate or late event, is ignored.
func (s *Service) ResumeFulfilment(ctx context.Context, e envelope.Event) error {
	shipment, err := envelope.Decode[shipping.ShipmentEvent](e)
	if err != nil {
		return err
	}
	if shipment.ResumeToken == "" {
		return nil
	}
	token := shipment.ResumeToken
	switch e.Type {
	case shipping.ShipmentBooked:
		output, _ := json.Marshal(map[string]string{"trackingNumber": shipment.TrackingNumber}) // strings always encode
		err = s.engine.Succeed(ctx, token, output)
	case shipping.ShipmentRefused:
		err = s.engine.Fail(ctx, token, "ShipmentRefused", "the carrier refuses the shipment")
	case shipping.ShipmentCancelled:
		err = s.engine.Fail(ctx, token, "ShipmentCancelled", "the shipment was cancelled")
	}
	if errors.Is(err, ErrStaleToken) {
		slog.InfoContext(ctx, "the saga no longer waits for the carrier")
		return nil
	}
	return err
}
