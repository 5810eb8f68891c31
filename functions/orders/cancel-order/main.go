// Command cancel-order asks for an order to be cancelled and has it undone.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "cancel-order", handler.CancelOrder) }
