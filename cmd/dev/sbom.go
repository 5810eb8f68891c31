package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
)

func billOfMaterials() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "sbom",
		Short: "Write the bill of materials, in CycloneDX",
		Long: `List the Go modules of functions, commands and tests in a CycloneDX 1.5 file. Modules that only tests
use have the scope "optional". Tools are pinned under tools/ and not listed.`,
		Args: cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if err := os.MkdirAll(repo.Path(".build"), 0o755); err != nil {
				return err
			}
			if err := repo.BillOfMaterials(ctx, report(), to); err != nil {
				return err
			}
			fmt.Println(to)
			return nil
		}),
	}
	cmd.Flags().StringVarP(&to, "out", "o", ".build/sbom.cdx.json", "`file` to write, relative to the repository")
	return cmd
}
