// Command list-products returns a page of products.
package main

import (
	"orderflow/internal/catalog/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("catalog", "list-products", handler.ListProducts) }
