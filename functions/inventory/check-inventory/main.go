// Command check-inventory tells anybody whether inventory is ready, and operators which part of what it needs fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() { function.Start("inventory", "check-inventory", readiness.Check("inventory")) }
