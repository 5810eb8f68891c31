// Command forward-events writes the core's events to reporting's log.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "forward-events", handler.ForwardEvents) }
