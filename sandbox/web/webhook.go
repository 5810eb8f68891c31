package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/platform/tracing"
)

// Endpoints returns the addresses of services; *registry.Balancer implements it.
type Endpoints interface {
	Pick(ctx context.Context, name string) (base string, done func(failed bool), err error)
}

// Post sends a webhook to a service. Any response but 2xx is an error. The client must have a
// timeout and must not follow redirects.
func Post(
	ctx context.Context, client *http.Client, at Endpoints, service, path string, header http.Header, body []byte,
) (err error) {
	base, done, err := at.Pick(ctx, service)
	if err != nil {
		return err
	}
	failed := true
	defer func() { done(failed) }()
	ctx, span := tracing.Start(ctx, "POST", tracing.Client, tracing.KeyDependency.String(service),
		attribute.String("http.request.method", http.MethodPost))
	defer func() { tracing.End(span, err) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	r.Header.Set("Content-Type", "application/json")
	tracing.Inject(ctx, r.Header)
	res, err := client.Do(r)
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

// NoRedirect refuses redirects: a webhook that moved is misconfigured.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
