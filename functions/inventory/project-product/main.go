// Command project-product records the products of the catalog.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "project-product", handler.ProjectProduct) }
