package main

import (
	"context"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
)

func setup() *cobra.Command {
	var target string
	var lint bool
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Install the pinned tools into .tools/",
		Long: `Install the emulator and the SAM CLI into .tools/, at the versions and hashes pinned in tools/.
Installed tools are kept. Needs python3 (3.10 or later); with --lint also npm; for LocalStack Python 3.13, a Java
development kit and Maven.`,
		Args: cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			return repo.Setup(ctx, report(), devstack.Target(target), lint)
		}),
	}
	cmd.Flags().StringVar(&target, "target", string(devstack.MiniStack),
		"`emulator` to install: ministack or localstack")
	cmd.Flags().BoolVar(&lint, "lint", false, "also install golangci-lint, oasdiff and asl-validator for `make lint`")
	return cmd
}

func build() *cobra.Command {
	var arch string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build and pack every function into .build/functions/",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			return repo.Build(ctx, report(), devstack.Lambda(arch))
		}),
	}
	cmd.Flags().StringVar(&arch, "arch", devstack.HostArchitecture(),
		"`architecture` of the functions: x86_64 or arm64")
	return cmd
}
