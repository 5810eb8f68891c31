// Command check-catalog tells anybody whether catalog is ready, and operators which part of what it needs fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() { function.Start("catalog", "check-catalog", readiness.Check("catalog")) }
