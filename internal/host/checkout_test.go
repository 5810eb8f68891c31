package host

import (
	"context"
	"testing"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/verify/checkout"
)

// One customer stays away until the deadline of a payment, which the process's own clock skips.
func TestTheExampleCheckoutOrdersInABrowser(t *testing.T) {
	const origin = "http://localhost:3000"
	var own clock.Skipping
	s := launch(t, Options{
		Keep: 100, Origins: []string{origin}, OpenSandbox: true, TrackingURL: "https://carrier.example/{trackingNumber}",
		After: own.After, Lease: time.Hour, // it is not renewed while time is skipped
	}, &own)
	as := func(user, role string) *client.Client {
		return &client.Client{BaseURL: s.url, Token: func(context.Context) (string, error) {
			return s.issuer.Token(user, role, own.Now())
		}}
	}
	checkout.Try(t, "../..", checkout.System{
		Customer: as("alice", ""), Operator: as("olga", "operator"), Origin: origin, Instant: true, Skip: own.Skip,
	})
}
