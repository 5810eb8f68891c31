// Command check-inventory reports whether inventory is ready and, to operators, what fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() { function.Start("inventory", "check-inventory", readiness.Check("inventory")) }
