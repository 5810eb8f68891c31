// Command serve-rpc serves other backends by Connect and gRPC-Web.
package main

import (
	"orderflow/internal/gateway/rpc/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "serve-rpc", handler.ServeRpc) }
