package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"orderflow/internal/dev/apigen"
	"orderflow/internal/dev/deploy"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/scaffold"
	"orderflow/internal/dev/template"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/verify/arch"
)

func releases() []*cobra.Command {
	var target, architecture, bill, stage, stack, parameters string
	var lint bool
	return []*cobra.Command{flags(&cobra.Command{
		Use:   "setup",
		Short: "Install the pinned tools into .tools/",
		Long: `Install the emulator and the SAM CLI into .tools/, at the versions and hashes pinned in tools/.
Installed tools are kept. Needs python3 (` + devstack.Python + ` or later); with --lint also npm; for LocalStack
Python 3.13, a Java development kit and Maven.`,
		Example: "  go run ./cmd/dev setup --lint",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			return repo.Setup(ctx, report(), devstack.Target(target), lint)
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&target, "target", string(devstack.MiniStack),
			"`emulator` to install: ministack or localstack")
		cmd.Flags().BoolVar(&lint, "lint", false,
			"also install golangci-lint, oasdiff and asl-validator for `make lint`")
	}), flags(&cobra.Command{
		Use:     "build",
		Short:   "Build and pack every function into .build/functions/",
		Example: "  go run ./cmd/dev build --arch arm64",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			return repo.Build(ctx, report(), devstack.Lambda(architecture))
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&architecture, "arch", devstack.HostArchitecture(),
			"`architecture` of the functions: x86_64 or arm64")
	}), flags(&cobra.Command{
		Use:   "sbom",
		Short: "Write the bill of materials, in CycloneDX",
		Long: `List the Go modules of functions, commands and tests in a CycloneDX 1.5 file. Modules that only tests
use have the scope "optional". Tools are pinned under tools/ and not listed.`,
		Example: "  go run ./cmd/dev sbom --out bill.json",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			if err := os.MkdirAll(repo.Path(".build"), 0o755); err != nil {
				return err
			}
			err := repo.BillOfMaterials(ctx, report(), bill)
			if err == nil {
				fmt.Fprintln(out, bill)
			}
			return err
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVarP(&bill, "out", "o", ".build/sbom.cdx.json", "`file` to write, relative to the repository")
	}), flags(&cobra.Command{
		Use:   "deploy",
		Short: "Check the AWS account, build, deploy a stage, and protect production",
		Long: `Check what CloudFormation would refuse only halfway, build and deploy a stage with the SAM CLI and
samconfig.toml, and protect production from deletion once it exists. Credentials and region come from the usual
places (AWS_PROFILE, AWS_REGION, …).
With --stack, the same for a service with a stack of its own, such as reporting, with stacks/<service>/samconfig.toml;
the core's stack must be there and stays as it is.`,
		Example: "  go run ./cmd/dev deploy --stage dev --parameters 'ReservedConcurrency=0 AlarmEmail=me@example.com'",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			return deployTo(ctx, repo, stage, stack, strings.Fields(parameters))
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&stage, "stage", "dev", "`name` of the stage: dev or prod")
		cmd.Flags().StringVar(&stack, "stack", "", "`service` with a stack of its own; the core by default")
		cmd.Flags().StringVar(&parameters, "parameters", "",
			"`list` of Name=value; they override those of samconfig.toml")
	}), {
		Use:   "generate",
		Short: "Regenerate the files that follow from deploy/, the API's contracts and the state machines",
		Long: `Write template.yaml and stacks/ from deploy/; api/openapi.yaml, api/openapi.json and api/operations/ from
api/contract.yaml; the GraphQL executor from api/schema.graphql; api/rpc from api/proto; and the diagrams of
docs/architecture.md from the template and the state machines. Tests and make lint fail while any of these is out of
date.
A new read operation gets a main, a sample event, a request in docs/orderflow.http, a row in its service's README and an
answer to expect under sam local. These are yours to edit: what is there is not changed.`,
		Example: "  go run ./cmd/dev generate",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			if err := template.Generate(string(repo)); err != nil {
				return err
			}
			if err := apigen.Write(string(repo)); err != nil {
				return err
			}
			written, err := scaffold.Write(string(repo))
			for _, file := range written {
				fmt.Fprintln(out, file)
			}
			if err != nil {
				return err
			}
			err = errors.Join(repo.GenerateGraphQL(ctx, report()), repo.GenerateRPC(ctx, report()))
			if err != nil {
				return err
			}
			return arch.Draw(string(repo))
		}),
	}}
}

func deployTo(ctx context.Context, repo devstack.Repo, stage, stack string, parameters []string) error {
	if err := template.Check(string(repo)); err != nil {
		return err
	}
	dir := repo
	if stack != "" {
		if !slices.Contains(repo.OwnStacks(), stack) {
			return fmt.Errorf("%s has no stack of its own: want one of %v", stack, repo.OwnStacks())
		}
		dir = devstack.Repo(repo.Path("stacks", stack))
	}
	toml, err := os.ReadFile(dir.Path("samconfig.toml"))
	if err != nil {
		return err
	}
	settings, err := deploy.Read(string(toml), stage)
	if err != nil {
		return err
	}
	d := deploy.Deployment{Stage: stage, Stack: settings.Stack, Out: os.Stderr}
	if d.Parameters, err = deploy.With(settings.Parameters, parameters); err != nil {
		return err
	}
	if d.Template, err = cfn.Read(dir.Path("template.yaml")); err != nil {
		return err
	}
	policy, err := os.ReadFile(repo.Path("tools", "stack-policy.json"))
	if err != nil {
		return err
	}
	// Empty values come from the environment.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(settings.Region),
		config.WithSharedConfigProfile(settings.Profile))
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		return fmt.Errorf("no region: set AWS_REGION, or region in samconfig.toml")
	}
	d.Policy, d.Region, d.Account = string(policy), cfg.Region, deploy.Account{API: awsapi.Client{Config: cfg}}
	d.SAM = func(ctx context.Context, args ...string) error {
		return inherit(ctx, dir, repo.Path(".tools", "sam", "bin", "sam"), args...)
	}
	return d.Run(ctx)
}
