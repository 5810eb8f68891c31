package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
)

func reproduce() *cobra.Command {
	return &cobra.Command{
		Use:   "reproduce",
		Short: "Build every function twice, in two directories, and compare the packages",
		Long: `Build every function for both architectures here, and again from a copy of the sources in another
directory with an empty build cache. Print the SHA-256 of each package, and fail if one differs. It takes a few
minutes.`,
		Args: cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) (err error) {
			functions, err := repo.Functions()
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "orderflow-again-")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			sources := filepath.Join(dir, "sources")
			if err := os.Mkdir(sources, 0o755); err != nil {
				return err
			}
			again, err := repo.CopyTo(sources)
			if err != nil {
				return err
			}
			same, all := 0, 0
			for _, architecture := range []string{"arm64", "x86_64"} {
				first, err := repo.Sums(ctx, report(), architecture, functions)
				if err != nil {
					return err
				}
				second, err := again.Sums(ctx, report(), architecture, functions,
					"GOCACHE="+filepath.Join(dir, "cache"))
				if err != nil {
					return err
				}
				for _, f := range functions {
					all++
					if first[f.Name] == second[f.Name] {
						same++
						fmt.Printf("%s  %s/%s.zip\n", first[f.Name], architecture, f.Name)
					} else {
						fmt.Printf("%s  %s/%s.zip DIFFERS: %s\n", first[f.Name], architecture, f.Name, second[f.Name])
					}
				}
			}
			fmt.Printf("%d of %d packages are the same\n", same, all)
			if same != all {
				return errors.New("builds are not reproducible")
			}
			return nil
		}),
	}
}
