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

// Mutant is a breakage on purpose, put between the parts where the world is wired. Product code knows none of
// it. Its zero value breaks nothing.
type Mutant struct {
	Name string
	// edit alters the state machines' definitions: pairs of old and new texts.
	edit []string
	// commit takes the place of a write to a service's table.
	commit func(g gate, with commit.With, write func(commit.With) error) error
	// function takes the place of a function.
	function func(w *World, name string, h function.Handler) function.Handler
	// outbox takes the place of what a relay works on.
	outbox func(outbox.Topic, outbox.Swept) (outbox.Topic, outbox.Swept)
	// transport takes the place of the services' way to third parties.
	transport func(*World, http.RoundTripper) http.RoundTripper

	orderStore func(orders.Store) orders.Store
	mailStore  func(notifications.Store) notifications.Store
	// recovery takes the place of what fulfilment runs state machines by.
	recovery func(fulfilment.Engine) fulfilment.Engine

	withoutStream, withoutRecovery, ackFirst, wholeItems bool
}
