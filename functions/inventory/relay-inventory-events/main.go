// Command relay-inventory-events publishes inventory's events.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("inventory", "relay-inventory-events", relay.Events) }
