// Package outbound configures a service's calls to its dependencies: addresses from the registry,
// circuits in the service's table.
package outbound

import (
	"net/http"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

// Caller configures the calls of one service.
type Caller struct {
	env       *function.Env
	service   string
	log       resilience.CircuitLog
	endpoints httpclient.Endpoints
	transport http.RoundTripper
}

// New returns the caller of a service. log stores its circuits.
func New(env *function.Env, service string, log resilience.CircuitLog) Caller {
	endpoints := registry.Open(env.AWS(), env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock)
	return Caller{env: env, service: service, log: log, endpoints: endpoints}
}

// Over returns the caller of a service with other endpoints and another transport, such as those of
// a process that includes its dependencies.
func Over(
	env *function.Env, service string, log resilience.CircuitLog, at httpclient.Endpoints, by http.RoundTripper,
) Caller {
	return Caller{env: env, service: service, log: log, endpoints: at, transport: by}
}

// To returns the client configuration for a dependency.
func (c Caller) To(dependency string) httpclient.Config {
	publisher := envelope.Publisher{Service: c.service, Clock: c.env.Clock, IDs: c.env.IDs}
	return httpclient.Config{
		Dependency: dependency, Endpoints: c.endpoints, Clock: c.env.Clock, Transport: c.transport,
		Breaker: resilience.NewBreaker(dependency, c.log, resilience.DefaultSettings, c.env.Clock, publisher),
	}
}
