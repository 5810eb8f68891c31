// Command project-sales adds the events of the log to the sales reports.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "project-sales", handler.ProjectSales) }
