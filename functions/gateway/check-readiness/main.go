// Command check-readiness reports whether the services are ready.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "check-readiness", handler.CheckReadiness) }
