// Command check-catalog reports whether catalog is ready and, to operators, what fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() { function.Start("catalog", "check-catalog", readiness.Check("catalog")) }
