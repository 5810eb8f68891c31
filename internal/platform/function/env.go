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

// Env is what a function is composed from.
type Env struct {
	Clock clock.Clock
	IDs   ids.Source

	lookup func(string) (string, bool)
	failed []error
	client aws.HTTPClient // of AWS, once there is one
}

// Require returns an environment variable that the function cannot do without. All
// missing ones are reported together by Err.
func (e *Env) Require(name string) string {
	v, ok := e.lookup(name)
	if !ok || v == "" {
		e.Fail(fmt.Errorf("environment variable %s is not set", name))
	}
	return v
}

// Optional returns an environment variable that the function can do without; empty where it is not set.
func (e *Env) Optional(name string) string {
	v, _ := e.lookup(name)
	return v
}

// Fail keeps the function from starting. All reasons are reported together by Err.
func (e *Env) Fail(reason error) { e.failed = append(e.failed, reason) }

// Err reports what Require missed and the reasons given to Fail; nil if there are none.
func (e *Env) Err() error { return errors.Join(e.failed...) }

// AWS returns the configuration for SDK clients. Lambda hands credentials and region to the
// process as environment variables and never changes them, so the SDK's own
// configuration chain, which doubles the start time, is not used. AWS_ENDPOINT_URL
// points to an emulator. All clients share one HTTP client, whose attempts are bounded.
func (e *Env) AWS() aws.Config {
	creds := aws.Credentials{
		AccessKeyID:     e.Require("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: e.Require("AWS_SECRET_ACCESS_KEY"),
	}
	creds.SessionToken, _ = e.lookup("AWS_SESSION_TOKEN")
	cfg := aws.Config{
		Region: e.Require("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return creds, nil
		}),
	}
	limit := attempt
	if url := e.Optional("AWS_ENDPOINT_URL"); url != "" {
		cfg.BaseEndpoint, limit = &url, emulatorAttempt
	}
	if e.client == nil {
		e.client = awsClient(limit)
	}
	cfg.HTTPClient = e.client
	awscalls.Trace(&cfg)
	return cfg
}
