package registry

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing/awscalls"
)

// Parameters is the registry in the SSM parameter store: a parameter a service,
// /orderflow/<stage>/services/<name>, with its endpoints separated by commas.
type Parameters struct {
	api    api
	prefix string
}

// NewParameters returns the parameters of a stage.
func NewParameters(cfg aws.Config, stage string, c clock.Clock) *Parameters {
	return &Parameters{api: newAPI(cfg, c, "ssm", "ssm", "AmazonSSM"), prefix: "/orderflow/" + stage + "/services/"}
}

// Resolve reads the parameter.
func (p *Parameters) Resolve(ctx context.Context, name string) ([]string, error) {
	var out struct{ Parameter struct{ Value string } }
	if err := p.api.call(ctx, "GetParameter", map[string]string{"Name": p.prefix + name}, &out, awscalls.KeyParameter.String(p.prefix+name)); err != nil {
		return nil, unknown(name).Because(err)
	}
	return endpoints(name, strings.Split(out.Parameter.Value, ","))
}
