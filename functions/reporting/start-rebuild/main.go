// Command start-rebuild begins or resumes a rebuild of the reports.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "start-rebuild", handler.StartRebuild) }
