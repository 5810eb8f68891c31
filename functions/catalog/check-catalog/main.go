// Command check-catalog tells whether what catalog needs is there: to anybody whether it is, to operators what of it.
package main

import (
	"orderflow/internal/catalog/readiness"
	"orderflow/internal/platform/function"
)

func main() { function.Start(readiness.CheckCatalog) }
