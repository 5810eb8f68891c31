// Command start-fulfilment starts the saga of a created order.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "start-fulfilment", handler.StartFulfilment) }
