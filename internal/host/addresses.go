package host

import (
	"context"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/host/cloud"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/registry"
	"orderflow/internal/shipping/carrier"
)

// stage begins the names of parameters and secrets, as on the local stack.
const stage = "/orderflow/local/"

// registered are the addresses of services and third parties. They are parameters, as on the local
// stack, so that one can be taken away, or be outside. Nothing is cached.
type registered struct{ *cloud.Parameters }

// register registers everything inside: a host is called as the service or third party.
func register(p *cloud.Parameters) registered {
	names := []string{provider.Name, carrier.Name, oldshop.Name}
	for _, b := range gateway.AllBackends {
		names = append(names, string(b))
	}
	for _, name := range names {
		p.Put(address(name), "http://"+name)
	}
	return registered{p}
}

func address(of string) string { return stage + "services/" + of }

// Resolve returns the addresses of a service; see registry.Registry.
func (r registered) Resolve(ctx context.Context, name string) ([]string, error) {
	return r.fixed(name).Resolve(ctx, name)
}

// Pick returns the first of them; see httpclient.Endpoints.
func (r registered) Pick(ctx context.Context, name string) (base string, done func(failed bool), err error) {
	return r.fixed(name).Pick(ctx, name)
}

func (r registered) fixed(name string) registry.Fixed {
	value, _ := r.Value(address(name))
	return registry.Fixed{name: value}
}
