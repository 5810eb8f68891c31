// Command list-parked-records returns the records that are in no report.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "list-parked-records", handler.ListParkedRecords) }
