// Package registry finds where a service is by its name, and spreads calls over its endpoints.
//
// The deployment writes the addresses down, in SSM parameters or in Cloud Map; a Registry
// reads them there. A Cache before it keeps them for a minute, so a move needs no new
// deployment. A Balancer picks one endpoint a call and leaves those alone that fail.
// Open puts the three together, as every function uses them.
package registry

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"orderflow/internal/platform/fault"
)

// Registry finds services.
type Registry interface {
	// Resolve returns the base URLs of the service called name, at least one, without a slash
	// at their end. The error is the transient fault ServiceUnknown.
	Resolve(ctx context.Context, name string) ([]string, error)
}

// Fixed is a registry that never changes, for tests and the simulation: the endpoints of each
// service by its name, separated by commas.
type Fixed map[string]string

// Resolve looks name up.
func (f Fixed) Resolve(_ context.Context, name string) ([]string, error) {
	return endpoints(name, strings.Split(f[name], ","))
}

// Pick returns the first endpoint of name, as a Balancer does that has no others.
func (f Fixed) Pick(ctx context.Context, name string) (base string, done func(failed bool), err error) {
	urls, err := f.Resolve(ctx, name)
	if err != nil {
		return "", nil, err
	}
	return urls[0], func(bool) {}, nil
}

// endpoints cleans what a registry holds for name. One endpoint that cannot be called makes all
// of it suspect: whoever has better addresses, of before, goes on with them.
func endpoints(name string, raw []string) ([]string, error) {
	var urls []string
	for _, r := range raw {
		r = strings.TrimRight(strings.TrimSpace(r), "/")
		if r == "" {
			continue
		}
		u, err := url.Parse(r)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" {
			return nil, unknown(name).Because(fmt.Errorf("%q is no base URL", r))
		}
		if !slices.Contains(urls, r) {
			urls = append(urls, r)
		}
	}
	if len(urls) == 0 {
		return nil, unknown(name)
	}
	return urls, nil
}

func unknown(name string) *fault.Error {
	return fault.New(fault.Transient, "ServiceUnknown", "the address of service %s is not known", name)
}
