// Command orderflow is the operator's command line: it places and follows orders, shows their
// sagas, maintains products and stock, and repairs what failed.
//
// It exits with 0 on success, 2 on a usage error, 3 if an order that it waited for did not end as
// CONFIRMED, and 1 on any other failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"orderflow/internal/platform/printable"
)

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2

	exitNotConfirmed = 3
)

// exitError is an error with its own exit code.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

func usage(format string, args ...any) error {
	return exitError{fmt.Errorf(format, args...), exitUsage}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot(&app{getenv: os.Getenv, localToken: stackToken}).ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(printable.Writer(os.Stderr), "orderflow:", explain(err))
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var e exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailure
}
