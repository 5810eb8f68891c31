// Command put-product sets the name and price of a product.
package main

import (
	"orderflow/internal/catalog/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("catalog", "put-product", handler.PutProduct) }
