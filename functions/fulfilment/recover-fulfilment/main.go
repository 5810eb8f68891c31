// Command recover-fulfilment brings an order to rest whose execution ended unplanned, or of which something is overdue.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "recover-fulfilment", handler.RecoverFulfilment) }
