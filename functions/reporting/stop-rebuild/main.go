// Command stop-rebuild stops a rebuild of the reports.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "stop-rebuild", handler.StopRebuild) }
