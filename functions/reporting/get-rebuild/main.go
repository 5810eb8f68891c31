// Command get-rebuild returns the last rebuild of the reports.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "get-rebuild", handler.GetRebuild) }
