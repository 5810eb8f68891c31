// Command await-payment stores the resume token of a saga that waits for the customer.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "await-payment", handler.AwaitPayment) }
