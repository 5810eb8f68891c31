package host

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/host/cloud"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/registry"
	"orderflow/internal/shipping/carrier"
)

// stage is the prefix of the names of parameters and secrets, as on the local stack.
const stage = "/orderflow/local/"

// registered are the addresses of services and third parties. They are parameters, as on the local
// stack, so that one can be removed or point to another host. Nothing is cached.
type registered struct{ *cloud.Parameters }

// thirdParties are the names of the third parties in the registry.
var thirdParties = []string{provider.Name, carrier.Name, oldshop.Name}

// register registers the services and third parties. Each is a host of this process with its own
// name, unless outside has the address of the third party.
func register(p *cloud.Parameters, outside map[string]string) registered {
	names := slices.Clone(thirdParties)
	for _, b := range gateway.AllBackends {
		names = append(names, string(b))
	}
	for _, name := range names {
		p.Put(address(name), cmp.Or(outside[name], "http://"+name))
	}
	return registered{p}
}

// parseOutside reads the addresses of third parties, NAME=URL, separated by commas.
func parseOutside(text string) (map[string]string, error) {
	outside := map[string]string{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
		name, address, _ := strings.Cut(part, "=")
		u, err := url.Parse(address)
		if err != nil || !slices.Contains(thirdParties, name) || u.Host == "" {
			return nil, fmt.Errorf("%s is not NAME=URL of %s", part, strings.Join(thirdParties, ", "))
		}
		outside[name] = address
	}
	return outside, nil
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
