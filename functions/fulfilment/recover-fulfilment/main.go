// Command recover-fulfilment recovers orders whose execution ended unplanned or that are overdue.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "recover-fulfilment", handler.RecoverFulfilment) }
