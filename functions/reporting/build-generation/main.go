// Command build-generation reads the log into a new generation of the reports.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "build-generation", handler.BuildGeneration) }
