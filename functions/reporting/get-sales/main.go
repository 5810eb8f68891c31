// Command get-sales returns sales by day and currency.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "get-sales", handler.GetSales) }
