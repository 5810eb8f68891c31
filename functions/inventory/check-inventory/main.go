// Command check-inventory tells whether what inventory needs is there: to anybody whether it is, to operators what of it.
package main

import (
	"orderflow/internal/inventory/readiness"
	"orderflow/internal/platform/function"
)

func main() { function.Start(readiness.CheckInventory) }
