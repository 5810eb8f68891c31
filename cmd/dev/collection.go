package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/httpfile"
)

// filled is the collection of requests, filled in with the values of the running stack.
const filled = ".local/orderflow.http"

func collection() *cobra.Command {
	return &cobra.Command{
		Use:   "http",
		Short: "Write docs/orderflow.http with the values of the running stack to " + filled,
		Long: `Fill docs/orderflow.http, a request for every operation, with the address, tokens and an order of the
running stack, and write it to ` + filled + `. Editors can send its requests.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			if err := writeCollection(cmd.Context(), stack); err != nil {
				return err
			}
			fmt.Println(filled)
			return nil
		},
	}
}

func writeCollection(ctx context.Context, stack *devstack.Stack) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(repo.Path("docs", "orderflow.http"))
	if err != nil {
		return err
	}
	values, err := demo.Of(stack, customer).Collection(ctx, stack.Outputs["ApiUrl"])
	if err != nil {
		return err
	}
	out, err := httpfile.Fill(string(text), values)
	if err != nil {
		return fmt.Errorf("docs/orderflow.http: %w", err)
	}
	// It holds tokens: recreate it, so that the mode applies to an existing file, too.
	if err := os.Remove(repo.Path(filled)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(repo.Path(filled), []byte(out), 0o600)
}
