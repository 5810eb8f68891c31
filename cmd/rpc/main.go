// Command rpc serves the RPC contract by native gRPC; `rpc --help` shows its flags.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"orderflow/internal/gateway/rpcserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := rpcserver.Main(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
