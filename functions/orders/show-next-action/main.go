// Command show-next-action sets or clears what an order's customer must do for the payment.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "show-next-action", handler.ShowNextAction) }
