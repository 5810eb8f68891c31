// Command check-orders tells anybody whether orders is ready, and operators which part of what it needs fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() { function.Start("orders", "check-orders", readiness.Check("orders")) }
