// Package process runs the main function of a process that serves until it is told to end.
package process

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // an image from scratch has no public authorities
)

// Run serves until ctx ends, and returns the exit code. lookup reads the environment.
type Run func(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int

// Main runs the process until an interrupt or SIGTERM. A second signal ends it at once.
func Main(run Run) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
