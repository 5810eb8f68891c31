// Package registry finds the addresses of a service by its name, and spreads calls over them.
//
// The deployment writes the addresses to SSM parameters or to Cloud Map, where a Registry reads
// them. A Cache keeps them for a minute, so a service can move without a deployment of its callers.
// A Balancer picks one endpoint per call and avoids those that fail. Open composes the three.
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
	// Resolve returns the base URLs of the service called name, at least one, without a slash at
	// their end. The error is the transient fault ServiceUnknown, or AddressRefused if one of them
	// must not be called.
	Resolve(ctx context.Context, name string) ([]string, error)
}

// Fixed is a registry that never changes, for tests and the simulation: the endpoints of each
// service by its name, separated by commas.
type Fixed map[string]string

// Resolve looks name up.
func (f Fixed) Resolve(_ context.Context, name string) ([]string, error) {
	return endpoints(name, strings.Split(f[name], ","), plainAllowed)
}

// Pick returns the first endpoint of name, as a Balancer with one endpoint does.
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

// transportOf allows plain HTTP in the stage local only, whose emulator has nothing else. In any
// other stage it would expose cards, addresses and secrets on the way.
func transportOf(stage string) transport { return transport(stage == "local") }

// endpoints normalizes a registry's entry for name. If one endpoint cannot or must not be called,
// all of them are refused: a process that has older addresses keeps using those.
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

// callable reports whether an endpoint may be called. Errors do not repeat it: it may hold a
// password.
func callable(name, endpoint string, allowed transport) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.RawQuery != "", u.Fragment != "":
		return unknown(name).Because(errors.New("an endpoint is not a base URL"))
	case u.User != nil:
		return refused(name, "has a user or a password, which belong in a secret")
	case u.Scheme == "http" && allowed != plainAllowed:
		return refused(name, "is not https")
	}
	return nil
}

func refused(name, why string) *fault.Error {
	return fault.New(fault.Transient, "AddressRefused",
		"the address of service %s %s: correct it in the registry", name, why)
}

func unknown(name string) *fault.Error {
	return fault.New(fault.Transient, "ServiceUnknown", "the address of service %s is not known", name)
}
