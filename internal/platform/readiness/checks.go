package readiness

import (
	"context"

	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/secrets"
)

// Reacher is a resource of the service, such as its table.
type Reacher interface {
	// Reach returns nil if the resource answers.
	Reach(ctx context.Context) error
}

// Table checks that the service's table answers reads.
func Table(t Reacher) health.Check { return health.Check{Name: "table", Probe: t.Reach} }

// Topic checks that the service's topic exists.
func Topic(t Reacher) health.Check { return health.Check{Name: "topic", Probe: t.Reach} }

// Registry finds services, without a cache.
type Registry interface {
	// Resolve returns the addresses of a service.
	Resolve(ctx context.Context, name string) ([]string, error)
}

// Address checks that the registry knows a service's address. The registry must not be a cache: a
// cached address does not help a process that starts now.
func Address(r Registry, service string) health.Check {
	return health.Check{Name: "registry:" + service, Probe: func(ctx context.Context) error {
		_, err := r.Resolve(ctx, service)
		return err
	}}
}

// Secret checks by probe that a secret exists. Operators see it as name.
func Secret(name string, probe func(context.Context) error) health.Check {
	return health.Check{Name: "secret:" + name, Probe: probe}
}

// Need returns the checks of something that a service needs besides its table and topic.
type Need func(env *function.Env, table *ddb.Table) []health.Check

// ThirdParty checks a third party that the service calls: its address and its circuit.
func ThirdParty(name string) Need {
	return func(env *function.Env, table *ddb.Table) []health.Check {
		known := registry.Source(env.AWS(), env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock)
		return []health.Check{Address(known, name), resilience.Health(table, name)}
	}
}

// WebhookSecret checks the secret that WEBHOOK_SECRET names.
func WebhookSecret(name string) Need {
	return func(env *function.Env, _ *ddb.Table) []health.Check {
		return []health.Check{Secret(name, secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock).Present)}
	}
}
