// Command get-contract returns the contract of the API.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "get-contract", handler.GetContract) }
