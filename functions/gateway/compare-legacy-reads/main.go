// Command compare-legacy-reads compares answers of the old shop with the services'.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "compare-legacy-reads", handler.CompareLegacyReads) }
