// Command relay-gateway-events publishes gateway's events.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("gateway", "relay-gateway-events", relay.Events) }
