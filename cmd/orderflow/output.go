package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/printable"
)

// print writes v as JSON, or as what table writes.
func (a *app) print(cmd *cobra.Command, v any, table func(io.Writer)) error {
	out := cmd.OutOrStdout()
	if a.output == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	table(w)
	return w.Flush()
}

// row writes cells that a tabwriter puts in columns.
func row(w io.Writer, cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = printable.Escape(fmt.Sprint(c)) // a tab or a line break in a name would spoil the table
	}
	fmt.Fprintln(w, strings.Join(text, "\t"))
}

// more tells how to get the next page.
func more(cmd *cobra.Command, cursor *string) {
	if cursor != nil && *cursor != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "there is more: %s --cursor %s\n", cmd.CommandPath(), *cursor)
	}
}

// explain adds to an error what to do about it.
func explain(err error) string {
	var p *client.Problem
	var network *url.Error
	switch {
	case errors.As(err, &p):
		if what := advice[p.Status]; what != "" {
			return err.Error() + "\n" + what
		}
		if p.Temporary() {
			return err.Error() + "\nTry again in a moment; `make logs FN=<function>` shows the log of a local stack."
		}
	case errors.As(err, &network):
		return err.Error() + "\nIs the address right, and does the stack run? `make up` starts a local one."
	}
	return err.Error()
}

var advice = map[int]string{
	http.StatusUnauthorized: "The token is missing or has expired: sign in (`orderflow login`), or get another one (`make -s token USER=alice` for a local stack).",
	http.StatusForbidden:    "This is for operators: use the token of one, or --role operator with a local stack.",
	http.StatusNotFound:     "It does not exist, or it is somebody else's: --user chooses as whom to look at a local stack.",
}
