// Command show-next-action has orders show what their customers must do for the payment.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "show-next-action", handler.ShowNextAction) }
