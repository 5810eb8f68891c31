package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"orderflow/internal/platform/envelope"
	shipping "orderflow/internal/shipping/contract"
)

// ResumeFulfilment hands the carrier's answer to the saga that waits for it. An event
// without a token came before the saga waited; shipping tells it again when it does. A
// token that nobody waits by any more is a duplicate or came too late; it is done with.
func (s *Service) ResumeFulfilment(ctx context.Context, e envelope.Event) error {
	shipment, err := envelope.Decode[shipping.ShipmentEvent](e)
	if err != nil {
		return err
	}
	if shipment.ResumeToken == "" {
		return nil
	}
	switch e.Type {
	case shipping.ShipmentBooked:
		output, _ := json.Marshal(map[string]string{"trackingNumber": shipment.TrackingNumber}) // texts can always be encoded
		return late(ctx, s.engine.Succeed(ctx, shipment.ResumeToken, output))
	case shipping.ShipmentRefused:
		return late(ctx, s.engine.Fail(ctx, shipment.ResumeToken, "ShipmentRefused", "the carrier refuses the shipment"))
	case shipping.ShipmentCancelled:
		return late(ctx, s.engine.Fail(ctx, shipment.ResumeToken, "ShipmentCancelled", "the shipment was cancelled"))
	}
	return nil
}

func late(ctx context.Context, err error) error {
	if errors.Is(err, ErrStaleToken) {
		slog.InfoContext(ctx, "nobody waits for this answer any more")
		return nil
	}
	return err
}
