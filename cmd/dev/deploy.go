package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"orderflow/internal/dev/deploy"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/template"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/verify/cfn"
)

func deployment() *cobra.Command {
	var stage, parameters string
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Check the AWS account, build, deploy a stage, and protect production",
		Long: `Check what CloudFormation would refuse only halfway, build and deploy a stage with the SAM CLI and
samconfig.toml, and protect production from deletion once it exists. Credentials and region come from the usual
places (AWS_PROFILE, AWS_REGION, …).`,
		Args: cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			return deployTo(ctx, repo, stage, strings.Fields(parameters))
		}),
	}
	cmd.Flags().StringVar(&stage, "stage", "dev", "`name` of the stage: dev or prod")
	cmd.Flags().StringVar(&parameters, "parameters", "",
		"`list` of Name=value; they override those of samconfig.toml")
	return cmd
}

func deployTo(ctx context.Context, repo devstack.Repo, stage string, parameters []string) error {
	toml, err := os.ReadFile(repo.Path("samconfig.toml"))
	if err != nil {
		return err
	}
	if err := template.Check(string(repo)); err != nil {
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
	if d.Template, err = cfn.Read(repo.Path("template.yaml")); err != nil {
		return err
	}
	policy, err := os.ReadFile(repo.Path("tools", "stack-policy.json"))
	if err != nil {
		return err
	}
	d.Policy = string(policy)
	var options []func(*config.LoadOptions) error
	if settings.Region != "" {
		options = append(options, config.WithRegion(settings.Region))
	}
	if settings.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(settings.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		return fmt.Errorf("no region: set AWS_REGION, or region in samconfig.toml")
	}
	d.Region, d.Account = cfg.Region, deploy.Account{API: awsapi.Client{Config: cfg}}
	d.SAM = func(ctx context.Context, args ...string) error {
		sam := exec.CommandContext(ctx, repo.Path(".tools", "sam", "bin", "sam"), args...)
		sam.Dir, sam.Stdin, sam.Stdout, sam.Stderr = string(repo), os.Stdin, os.Stdout, os.Stderr
		if err := sam.Run(); err != nil {
			return fmt.Errorf("sam %s: %w", args[0], err)
		}
		return nil
	}
	return d.Run(ctx)
}
