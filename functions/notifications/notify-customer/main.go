// Command notify-customer tells customers by e-mail how their orders go.
package main

import (
	"orderflow/internal/notifications/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("notifications", "notify-customer", handler.NotifyCustomer) }
