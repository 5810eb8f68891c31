// Command check-liveness answers that the process is up.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "check-liveness", handler.CheckLiveness) }
