package registry

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing/awscalls"
)

// Parameters is the registry in the SSM parameter store. The parameter of a service is
// /orderflow/<stage>/services/<name>, with its endpoints separated by commas.
type Parameters struct {
	api     awsjson.Client
	prefix  string
	allowed transport
}

// NewParameters returns the parameters of a stage.
func NewParameters(cfg aws.Config, stage string, c clock.Clock) *Parameters {
	api := awsjson.New(cfg, c, "ssm", "ssm", "AmazonSSM")
	return &Parameters{api: api, prefix: "/orderflow/" + stage + "/services/", allowed: transportOf(stage)}
}

// Parameter returns a function that reads the parameter called name, which is not an address, each
// time it is called.
func Parameter(cfg aws.Config, name string, c clock.Clock) func(context.Context) (string, error) {
	store := awsjson.New(cfg, c, "ssm", "ssm", "AmazonSSM")
	return func(ctx context.Context) (string, error) { return parameter(ctx, store, name) }
}

// parameter reads one parameter.
func parameter(ctx context.Context, a awsjson.Client, name string) (string, error) {
	var out struct{ Parameter struct{ Value string } }
	err := a.Call(ctx, "GetParameter", map[string]string{"Name": name}, &out, awscalls.KeyParameter.String(name))
	return out.Parameter.Value, err
}

// Resolve reads the parameter.
func (p *Parameters) Resolve(ctx context.Context, name string) ([]string, error) {
	value, err := parameter(ctx, p.api, p.prefix+name)
	if err != nil {
		return nil, unknown(name).Because(err)
	}
	return endpoints(name, strings.Split(value, ","), p.allowed)
}
