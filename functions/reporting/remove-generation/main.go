// Command remove-generation deletes old generations of the reports.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "remove-generation", handler.RemoveGeneration) }
