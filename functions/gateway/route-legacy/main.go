// Command route-legacy serves the interface of the shop that Orderflow replaces.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "route-legacy", handler.RouteLegacy) }
