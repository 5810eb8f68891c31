// Command check-shipping tells whether what shipping needs is there: to anybody whether it is, to operators what of it.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/readiness"
)

func main() { function.Start(readiness.CheckShipping) }
