package carrier

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/tracing"
)

// Secret is the secret that signs callbacks.
type Secret interface {
	Value(ctx context.Context) ([]byte, error)
}

// Endpoints returns the addresses of services; *registry.Balancer implements it.
type Endpoints interface {
	Pick(ctx context.Context, name string) (base string, done func(failed bool), err error)
}

// Sender sends callbacks to the service called shipping.
type Sender struct {
	Carrier   *Carrier
	Endpoints Endpoints
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

func (s *Sender) post(ctx context.Context, callback Callback) (err error) {
	secret, err := s.Secret.Value(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(callback)
	if err != nil {
		return err
	}
	base, done, err := s.Endpoints.Pick(ctx, "shipping")
	if err != nil {
		return err
	}
	failed := true
	defer func() { done(failed) }()
	ctx, span := tracing.Start(ctx, "POST", tracing.Client, tracing.KeyDependency.String("shipping"),
		attribute.String("http.request.method", http.MethodPost))
	defer func() { tracing.End(span, err) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/webhooks/carrier", bytes.NewReader(body))
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(s.Clock.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Carrier-Timestamp", timestamp)
	r.Header.Set("X-Carrier-Signature", "v1="+signature.Sign(secret, timestamp, body))
	tracing.Inject(ctx, r.Header)
	res, err := s.Client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	// Read to the end, so that the connection can be reused.
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil {
		return err
	}
	failed = res.StatusCode >= 500
	span.SetAttributes(tracing.KeyStatus.Int(res.StatusCode))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
