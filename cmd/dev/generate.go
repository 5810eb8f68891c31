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
		Short: "Regenerate template.yaml, api/openapi.yaml, api/operations/ and the diagrams",
		Long: `Write template.yaml from deploy/, api/openapi.yaml and api/operations/ from api/contract.yaml, and
the diagrams of docs/architecture.md from the template and the state machines. Tests fail while any of these is out
of date.

A new read operation gets a main, a sample event and a request in docs/orderflow.http. These are yours to edit:
existing files are not changed.`,
		Args: cobra.NoArgs,
		RunE: inRepo(func(_ context.Context, repo devstack.Repo) error {
			text, err := template.Write(os.DirFS(repo.Path("deploy")))
			if err != nil {
				return err
			}
			err = os.WriteFile(repo.Path("template.yaml"), text, 0o644) //nolint:gosec // others may read it
			if err != nil {
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
