// Package registry finds the base URL of a service by its name. The deployment writes one
// SSM parameter a service, /orderflow/<stage>/services/<name>; functions read it when
// they need it and keep it for a minute, so a move needs no new deployment.
package registry

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

// TTL is how long an address is kept before it is asked for again.
const TTL = time.Minute

// lookup bounds one question to the parameter store; retry is how long after a failed one an old address serves.
const (
	lookup = time.Second
	retry  = 5 * time.Second
)

// Registry finds services.
type Registry interface {
	// Resolve returns the base URL of the service called name, without a slash at its end.
	Resolve(ctx context.Context, name string) (string, error)
}

// Fixed is a registry that never changes, for tests.
type Fixed map[string]string

// Resolve looks name up.
func (f Fixed) Resolve(_ context.Context, name string) (string, error) {
	if url, ok := f[name]; ok {
		return url, nil
	}
	return "", unknown(name)
}

// Pick returns the one address of name; see httpclient.Endpoints.
func (f Fixed) Pick(ctx context.Context, name string) (string, func(bool), error) {
	url, err := f.Resolve(ctx, name)
	return url, func(bool) {}, err
}

// Parameters is the registry in the SSM parameter store.
type Parameters struct {
	client *ssm.Client
	prefix string
	clock  clock.Clock

	mu    sync.Mutex
	cache map[string]entry
}

type entry struct {
	url   string
	until time.Time
}

// Open returns the registry of a stage.
func Open(cfg aws.Config, stage string, c clock.Clock) *Parameters {
	return &Parameters{client: ssm.NewFromConfig(cfg), prefix: "/orderflow/" + stage + "/services/", clock: c, cache: map[string]entry{}}
}

// Resolve returns the cached address, or asks for it. An address that is out of date is
// better than none: it is used when asking fails.
func (p *Parameters) Resolve(ctx context.Context, name string) (string, error) {
	p.mu.Lock()
	known, ok := p.cache[name]
	p.mu.Unlock()
	if ok && p.clock.Now().Before(known.until) {
		return known.url, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(p.prefix + name)})
	if err != nil {
		if ok {
			p.keep(name, known.url, retry)
			return known.url, nil
		}
		return "", unknown(name).Because(err)
	}
	url := strings.TrimSuffix(aws.ToString(out.Parameter.Value), "/")
	p.keep(name, url, TTL)
	return url, nil
}

// Pick returns the one address of name; see httpclient.Endpoints.
func (p *Parameters) Pick(ctx context.Context, name string) (string, func(bool), error) {
	url, err := p.Resolve(ctx, name)
	return url, func(bool) {}, err
}

func (p *Parameters) keep(name, url string, ttl time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cache[name] = entry{url: url, until: p.clock.Now().Add(ttl)}
}

func unknown(name string) *fault.Error {
	return fault.New(fault.Transient, "ServiceUnknown", "the address of service %s is not known", name)
}
