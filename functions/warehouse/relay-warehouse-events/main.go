// Command relay-warehouse-events publishes warehouse's events.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("warehouse", "relay-warehouse-events", relay.Events) }
