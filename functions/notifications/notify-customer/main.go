// Command notify-customer sends customers e-mails about their orders.
package main

import (
	"orderflow/internal/notifications/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("notifications", "notify-customer", handler.NotifyCustomer) }
