package main

import (
	"os"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/template"
)

func writeTemplate() *cobra.Command {
	return &cobra.Command{
		Use:   "template",
		Short: "Write template.yaml from deploy/",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			repo, err := devstack.FindRepo()
			if err != nil {
				return err
			}
			text, err := template.Write(os.DirFS(repo.Path("deploy")))
			if err != nil {
				return err
			}
			return os.WriteFile(repo.Path("template.yaml"), text, 0o644) //nolint:gosec // to be read by others
		},
	}
}
