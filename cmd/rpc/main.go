// Command rpc serves the RPC contract by native gRPC; `rpc --help` shows its flags.
package main

import (
	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/platform/process"
)

func main() { process.Main(rpcserver.Main) }
