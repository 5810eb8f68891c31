// Command list-parked-records returns the records that no report includes.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "list-parked-records", handler.ListParkedRecords) }
