// Command check-payments tells whether what payments needs is there: to anybody whether it is, to operators what of it.
package main

import (
	"orderflow/internal/payments/readiness"
	"orderflow/internal/platform/function"
)

func main() { function.Start(readiness.CheckPayments) }
