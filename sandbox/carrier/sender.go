package carrier

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/signature"
	"orderflow/sandbox/web"
)

// Secret is the secret that signs callbacks.
type Secret interface {
	Value(ctx context.Context) ([]byte, error)
}

// Sender sends callbacks to the service called shipping.
type Sender struct {
	Carrier   *Carrier
	Endpoints web.Endpoints
	Secret    Secret
	Clock     clock.Clock
	// Client must have a timeout and must not follow redirects.
	Client *http.Client
}

// Send decides a booking and sends the callback. After an error the caller must send it again,
// since the client may not have accepted it.
func (s *Sender) Send(ctx context.Context, due Due) error {
	callback, err := s.Carrier.Decide(ctx, due.Reference)
	if err != nil || callback == nil {
		return err
	}
	if err := s.post(ctx, *callback); err != nil {
		return fmt.Errorf("callback %s: %w", callback.ID, err)
	}
	return s.Carrier.Answered(ctx, due.Reference)
}

func (s *Sender) post(ctx context.Context, callback Callback) error {
	secret, err := s.Secret.Value(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(callback)
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(s.Clock.Now().Unix(), 10)
	header := http.Header{}
	header.Set("X-Carrier-Timestamp", timestamp)
	header.Set("X-Carrier-Signature", "v1="+signature.Sign(secret, timestamp, body))
	return web.Post(ctx, s.Client, s.Endpoints, "shipping", "/v1/webhooks/carrier", header, body)
}
