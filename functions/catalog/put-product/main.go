// Command put-product creates a product or sets its name and price.
package main

import (
	"orderflow/internal/catalog/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("catalog", "put-product", handler.PutProduct) }
