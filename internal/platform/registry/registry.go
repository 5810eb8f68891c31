// Package registry finds where a service is by its name, and spreads calls over its endpoints.
//
// The deployment writes the addresses down, in SSM parameters or in Cloud Map; a Registry
// reads them there. A Cache before it keeps them for a minute, so a move needs no new
// deployment. A Balancer picks one endpoint a call and leaves those alone that fail.
// Open puts the three together, as every function uses them.
package registry

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"orderflow/internal/platform/fault"
)

// Registry finds services.
type Registry interface {
	// Resolve returns the base URLs of the service called name, at least one, without a slash
	// at their end. The error is the transient fault ServiceUnknown, or AddressRefused where one of
	// them must not be called.
	Resolve(ctx context.Context, name string) ([]string, error)
}

// Fixed is a registry that never changes, for tests and the simulation: the endpoints of each
// service by its name, separated by commas.
type Fixed map[string]string

// Resolve looks name up.
func (f Fixed) Resolve(_ context.Context, name string) ([]string, error) {
	return endpoints(name, strings.Split(f[name], ","), plainAllowed)
}

// Pick returns the first endpoint of name, as a Balancer does that has no others.
func (f Fixed) Pick(ctx context.Context, name string) (base string, done func(failed bool), err error) {
	urls, err := f.Resolve(ctx, name)
	if err != nil {
		return "", nil, err
	}
	return urls[0], func(bool) {}, nil
}

// transport says how the endpoints of a stage may be called.
type transport bool

const (
	httpsOnly    transport = false
	plainAllowed transport = true
)

// transportOf allows plain HTTP in the stage local only, whose emulator speaks nothing else. Anywhere
// else cards, addresses and secrets would travel for everybody on the way to read.
func transportOf(stage string) transport { return transport(stage == "local") }

// endpoints cleans what a registry holds for name. One endpoint that cannot or must not be called makes
// all of it suspect: a process that has better addresses, of before, goes on with them.
func endpoints(name string, raw []string, allowed transport) ([]string, error) {
	var urls []string
	for _, r := range raw {
		r = strings.TrimRight(strings.TrimSpace(r), "/")
		if r == "" {
			continue
		}
		if err := callable(name, r, allowed); err != nil {
			return nil, err
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

// callable tells whether an endpoint may be called. Errors do not repeat it: it may hold a password.
func callable(name, endpoint string, allowed transport) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.RawQuery != "", u.Fragment != "":
		return unknown(name).Because(errors.New("an endpoint is not a base URL"))
	case u.User != nil:
		return refused(name, "has a user or a password, which belong into a secret")
	case u.Scheme == "http" && allowed != plainAllowed:
		return refused(name, "is not https")
	}
	return nil
}

func refused(name, why string) *fault.Error {
	return fault.New(fault.Transient, "AddressRefused", "the address of service %s %s: correct it in the registry", name, why)
}

func unknown(name string) *fault.Error {
	return fault.New(fault.Transient, "ServiceUnknown", "the address of service %s is not known", name)
}
