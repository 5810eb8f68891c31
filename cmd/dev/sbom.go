package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/sbom"
)

func billOfMaterials() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "sbom",
		Short: "Write the bill of materials, in CycloneDX",
		Long: `Write what functions are made from (scope required), and what only tests and builds use (scope excluded), to a file in
CycloneDX 1.5. The same sources give the same file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := devstack.FindRepo()
			if err != nil {
				return err
			}
			bom, err := sbom.Generate(cmd.Context(), string(repo))
			if err != nil {
				return err
			}
			data, err := bom.JSON()
			if err != nil {
				return err
			}
			if to == "" {
				to = repo.Path(".build", "sbom.cdx.json")
			}
			if err := os.MkdirAll(repo.Path(".build"), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(to, data, 0o644); err != nil { //nolint:gosec // to be read by others
				return err
			}
			fmt.Println(to)
			for _, ecosystem := range []string{"golang", "pypi", "npm", "maven"} {
				prefix := "pkg:" + ecosystem + "/"
				fmt.Printf("  %-6s  %3d in functions  %3d for tests and builds\n", ecosystem, bom.Count("required", prefix), bom.Count("excluded", prefix))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&to, "out", "o", "", "`file` to write; .build/sbom.cdx.json if empty")
	return cmd
}
