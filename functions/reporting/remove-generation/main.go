// Command remove-generation deletes the generations of the reports that no longer serve.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "remove-generation", handler.RemoveGeneration) }
