// Command contracts compares the contracts of the working tree with those of the last release, and exits with 1 if they broke.
// See package orderflow/internal/verify/contracts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"orderflow/internal/verify/contracts"
)

func main() {
	dir := flag.String("dir", ".", "the working `tree`")
	oasdiff := flag.String("oasdiff", ".tools/bin/oasdiff", "the `program` that compares the HTTP API")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *dir, *oasdiff); err != nil {
		fmt.Fprintln(os.Stderr, "contracts:", err)
		os.Exit(1)
	}
}

var errBroken = errors.New("contracts broke: put a new version beside the old one")

func run(ctx context.Context, w io.Writer, dir, oasdiff string) error {
	r, err := contracts.Compare(ctx, dir, oasdiff)
	switch {
	case err != nil:
		return err
	case r.Tag == "":
		fmt.Fprintln(w, "contracts: no tag v* yet, so there is nothing to compare with")
		return nil
	}
	fmt.Fprintf(w, "contracts: compared with %s: the HTTP API, %d event schemas, the steps of %d services; %d breaks, and %d more that ADRs decided on\n",
		r.Tag, r.Events, r.Steps, len(r.Breaks), len(r.Accepted))
	for _, b := range r.Breaks {
		fmt.Fprintln(w, "  "+b)
	}
	if len(r.Breaks) > 0 {
		return errBroken
	}
	return nil
}
