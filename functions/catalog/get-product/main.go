// Command get-product returns a product.
package main

import (
	"orderflow/internal/catalog/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("catalog", "get-product", handler.GetProduct) }
