// Command get-latency returns how long orders took.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "get-latency", handler.GetLatency) }
