package contracts

import (
	"context"
	"errors"
	"fmt"
	"io"
)

var errBroken = errors.New("breaking changes of contracts: add a new version beside the old one")

// Check compares the contracts of the tree at dir with its last release, writes the result and
// fails on breaks. oasdiff is the program that compares the HTTP API.
func Check(ctx context.Context, w io.Writer, dir, oasdiff string) error {
	r, err := Compare(ctx, dir, oasdiff)
	switch {
	case err != nil:
		return err
	case r.Tag == "":
		fmt.Fprintln(w, "contracts: no tag v* yet, nothing to compare with")
		return nil
	}
	fmt.Fprintf(w, "contracts: compared with %s: the HTTP API, %d event schemas, the steps of %d services; ",
		r.Tag, r.Events, r.Steps)
	fmt.Fprintf(w, "%d breaks, %d more accepted by ADRs\n", len(r.Breaks), len(r.Accepted))
	for _, b := range r.Breaks {
		fmt.Fprintln(w, "  "+b)
	}
	if len(r.Breaks) > 0 {
		return errBroken
	}
	return nil
}
