// Command get-best-sellers returns the sales of each product.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting/handler"
)

func main() { function.Start("reporting", "get-best-sellers", handler.GetBestSellers) }
