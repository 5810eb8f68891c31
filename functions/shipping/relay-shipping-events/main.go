// Command relay-shipping-events publishes shipping's events.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("shipping", "relay-shipping-events", relay.Events) }
