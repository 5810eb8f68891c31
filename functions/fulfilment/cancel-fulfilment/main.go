// Command cancel-fulfilment compensates an order whose cancellation was requested.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "cancel-fulfilment", handler.CancelFulfilment) }
