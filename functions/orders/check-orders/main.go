// Command check-orders tells whether what orders needs is there: to anybody whether it is, to operators what of it.
package main

import (
	"orderflow/internal/orders/readiness"
	"orderflow/internal/platform/function"
)

func main() { function.Start(readiness.CheckOrders) }
