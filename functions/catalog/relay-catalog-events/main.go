// Command relay-catalog-events publishes catalog's events.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
)

func main() { function.Start("catalog", "relay-catalog-events", relay.Events) }
