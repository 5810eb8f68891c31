package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/apigen"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/scaffold"
	"orderflow/internal/dev/template"
	"orderflow/internal/verify/arch"
)

func generate() *cobra.Command {
	return &cobra.Command{
		Use:   "generate",
		Short: "Write anew what is derived: template.yaml, api/openapi.yaml, the diagrams",
		Long: `Write template.yaml from deploy/, api/openapi.yaml and api/operations/ from api/contract.yaml, and the diagrams of
docs/architecture.md from the template and the state machines. Tests fail while one of them is not up to date.

A new read of the API gets a main, a sample event and a request in docs/orderflow.http. Those are yours to change: what
exists stays as it is.`,
		Args: cobra.NoArgs,
		RunE: inRepo(func(_ context.Context, repo devstack.Repo) error {
			text, err := template.Write(os.DirFS(repo.Path("deploy")))
			if err != nil {
				return err
			}
			if err := os.WriteFile(repo.Path("template.yaml"), text, 0o644); err != nil { //nolint:gosec // to be read by others
				return err
			}
			if err := apigen.Write(string(repo)); err != nil {
				return err
			}
			written, err := scaffold.Write(string(repo))
			for _, file := range written {
				fmt.Println("new:", file)
			}
			if err != nil {
				return err
			}
			return arch.Draw(string(repo))
		}),
	}
}
