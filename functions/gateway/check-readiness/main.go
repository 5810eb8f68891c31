// Command check-readiness answers whether the services behind the API can be reached.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "check-readiness", handler.CheckReadiness) }
