// Command serve serves the whole core in one process; `serve -help` shows its flags.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"orderflow/internal/host"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := host.Main(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
