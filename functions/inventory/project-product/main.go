// Command project-product keeps which products catalog has.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "project-product", handler.ProjectProduct) }
