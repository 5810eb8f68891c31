// Command orderflow is the operator's command line: it places and follows orders, shows what their sagas did, and
// looks after stock and products.
//
// It ends with 0 if it did what it was told, with 2 if it was told wrongly, with 3 if an order that it waited for ended
// other than CONFIRMED, and with 1 if anything else went wrong.
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
	exitUnlike  = 3
)

// coded is an error with an exit code of its own.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

func usage(format string, args ...any) error { return coded{fmt.Errorf(format, args...), exitUsage} }

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
	var c coded
	if errors.As(err, &c) {
		return c.code
	}
	return exitFailure
}
