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
	"github.com/spf13/pflag"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/printable"
)

// print writes v as JSON, or as the rows that table writes.
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

// row writes one row for a tabwriter.
func row(w io.Writer, cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = printable.Escape(fmt.Sprint(c)) // a tab or a line break in a name would break the table
	}
	fmt.Fprintln(w, strings.Join(text, "\t"))
}

// pageFlags choose a page of a list.
type pageFlags struct {
	limit  int
	cursor string
}

func (p *pageFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.limit, "limit", 20, "how many, 1 to 100")
	cmd.Flags().StringVar(&p.cursor, "cursor", "", "where to continue, as printed below the previous page")
}

// printPage prints a page of a list and, below a table, how to get the next one.
func (a *app) printPage(cmd *cobra.Command, page any, cursor *string, table func(io.Writer)) error {
	if err := a.print(cmd, page, table); err != nil {
		return err
	}
	if a.output == "table" && cursor != nil && *cursor != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "there is more: %s%s --cursor=%s\n", cmd.CommandPath(), flagsGiven(cmd), *cursor)
	}
	return nil
}

// flagsGiven returns the flags that a command was called with, for a shell: without the cursor, and
// without the token, which is secret.
func flagsGiven(cmd *cobra.Command) (given string) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "cursor" || f.Name == "token" {
			return
		}
		value := f.Value.String()
		if strings.ContainsAny(value, " \"\\$&'()*;<>?`|~") {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		given += " --" + f.Name + "=" + value
	})
	return given
}

// explain adds to an error's message what to do about it.
func explain(err error) string {
	var p *client.Problem
	var network *url.Error
	switch {
	case errors.As(err, &p):
		if hint := advice[p.Status]; hint != "" {
			return err.Error() + "\n" + hint
		}
		if p.Temporary() && p.Code != "OrdersStopped" {
			return err.Error() + "\nTry again in a moment; `make logs FN=<function>` shows the log of a local stack."
		}
	case errors.As(err, &network):
		return err.Error() + "\nCheck the address, and whether the stack is running; `make up` starts a local one."
	}
	return err.Error()
}

var advice = map[int]string{
	http.StatusUnauthorized: "The token is missing or expired: sign in with `orderflow login`, " +
		"or get a new one (`make -s token USER=alice` for a local stack).",
	http.StatusForbidden: "Only operators may do this: use an operator's token, or --role operator on a local stack.",
	http.StatusNotFound: "It does not exist, or it belongs to another user: " +
		"on a local stack, choose the user with --user.",
}
