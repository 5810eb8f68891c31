// Command check-liveness reports that the process runs.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "check-liveness", handler.CheckLiveness) }
