// Command cancel-fulfilment undoes an order whose customer asked for it.
package main

import (
	"orderflow/internal/fulfilment/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("fulfilment", "cancel-fulfilment", handler.CancelFulfilment) }
