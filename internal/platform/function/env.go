package function

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/tracing/awscalls"
)

// Env is the environment that a function is composed from.
type Env struct {
	Clock clock.Clock
	IDs   ids.Source

	// Credentials of calls to AWS; nil for those of the environment variables.
	Credentials aws.CredentialsProvider

	// Client is shared by all AWS clients; nil for one with timeouts.
	Client aws.HTTPClient

	lookup func(string) (string, bool)
	failed []error
}

// Require returns a required environment variable. Err reports all missing ones together.
func (e *Env) Require(name string) string {
	v, ok := e.lookup(name)
	if !ok || v == "" {
		e.Fail(fmt.Errorf("environment variable %s is not set", name))
	}
	return v
}

// Optional returns an optional environment variable, "" if it is not set.
func (e *Env) Optional(name string) string {
	v, _ := e.lookup(name)
	return v
}

// Fail prevents the function from starting. Err reports all reasons together.
func (e *Env) Fail(reason error) { e.failed = append(e.failed, reason) }

// Err reports missing variables and the reasons passed to Fail, or returns nil.
func (e *Env) Err() error { return errors.Join(e.failed...) }

// AWS returns the configuration for SDK clients. AWS_ENDPOINT_URL is the address of an emulator.
// All clients share one HTTP client with a timeout per attempt.
func (e *Env) AWS() aws.Config {
	if e.Credentials == nil {
		e.Credentials = e.fromLambda()
	}
	cfg := aws.Config{Region: e.Require("AWS_REGION"), Credentials: e.Credentials}
	timeout := attemptTimeout
	if url := e.Optional("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint, timeout = &url, emulatorTimeout
	}
	if e.Client == nil {
		e.Client = awsClient(timeout)
	}
	cfg.HTTPClient = e.Client
	awscalls.Trace(&cfg)
	return cfg
}

// fromLambda returns the credentials that Lambda passes in environment variables and never changes.
// The SDK's configuration chain, which doubles the start time, is not used.
func (e *Env) fromLambda() aws.CredentialsProvider {
	creds := aws.Credentials{
		AccessKeyID:     e.Require("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: e.Require("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    e.Optional("AWS_SESSION_TOKEN"),
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return creds, nil })
}
