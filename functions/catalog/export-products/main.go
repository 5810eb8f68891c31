// Command export-products returns products by SKU to other systems.
package main

import (
	"orderflow/internal/catalog/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("catalog", "export-products", handler.ExportProducts) }
