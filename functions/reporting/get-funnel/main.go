// Command get-funnel returns how orders ended.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "get-funnel", handler.GetFunnel) }
