package sim

import (
	"net/http"

	"orderflow/internal/fulfilment"
	"orderflow/internal/notifications"
	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbox"
)

// Mutant is a deliberate defect, inserted where the world is wired. Product code does not know it.
// The zero value breaks nothing.
type Mutant struct {
	Name string
	// edit changes the state machines' definitions: pairs of old and new texts.
	edit []string
	// commit replaces a write to a service's table.
	commit func(g gate, with commit.With, write func(commit.With) error) error
	// function replaces a function.
	function func(w *World, name string, h function.Handler) function.Handler
	// outbox replaces a relay's topic and outbox.
	outbox func(outbox.Topic, outbox.Swept) (outbox.Topic, outbox.Swept)
	// transport replaces the services' network to third parties.
	transport func(*World, http.RoundTripper) http.RoundTripper

	orderStore func(orders.Store) orders.Store
	mailStore  func(notifications.Store) notifications.Store
	// recovery replaces fulfilment's engine.
	recovery func(fulfilment.Engine) fulfilment.Engine

	withoutStream, withoutRecovery, ackFirst, wholeItems bool
}
