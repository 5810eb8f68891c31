package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
)

func token(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Print the bearer token that commands send",
		Long: `Print the bearer token that commands send to the API, for curl and other clients. A local stack or
process creates the user of --user on first use, with exactly the role of --role; the token is then
valid for at least ten minutes. Elsewhere it is the token of "orderflow login". Whoever has the
token can act as its user.`,
		Example: "  orderflow token --user alice\n  orderflow token --user olga --role operator",
		Args:    exactly(),
		RunE: a.withAPI("", func(cmd *cobra.Command, _ []string, c *client.Client) error {
			text, err := c.Token(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(cmd, map[string]string{"token": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		}),
	}
}
