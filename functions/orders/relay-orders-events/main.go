// Command relay-orders-events publishes the events in the outbox of orders.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("orders", "relay-orders-events", relay.Events) }
