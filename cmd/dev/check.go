package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/contracts"
)

func contractCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "contracts",
		Short: "Compare the API, the events and the steps with those of the last tag v*",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if err := repo.SetupGo(ctx, report(), "oasdiff"); err != nil {
				return err
			}
			return contracts.Check(ctx, os.Stdout, string(repo), repo.Path(".tools", "bin", "oasdiff"))
		}),
	}
}

func checkInfra() *cobra.Command {
	return &cobra.Command{
		Use:   "check-infra",
		Short: "Check the templates, as SAM transforms them, with checkov (takes a minute)",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.MiniStack, false); err != nil {
				return err
			}
			if err := repo.SetupPython(ctx, report(), "checkov"); err != nil {
				return err
			}
			return inherit(ctx, repo, "tools/infra.sh")
		}),
	}
}
