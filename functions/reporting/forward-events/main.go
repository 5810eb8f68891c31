// Command forward-events puts the core's events into the log of reporting.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "forward-events", handler.ForwardEvents) }
