// Command check-orders reports whether orders is ready and, to operators, what fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() { function.Start("orders", "check-orders", readiness.Check("orders")) }
