// Command relay-payments-events publishes payments' events.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("payments", "relay-payments-events", relay.Events) }
