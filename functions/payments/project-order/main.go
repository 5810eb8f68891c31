// Command project-order stores how orders ended.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "project-order", handler.ProjectOrder) }
