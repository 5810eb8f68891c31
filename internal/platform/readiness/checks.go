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

// Reacher is something of the service's own, such as a table.
type Reacher interface {
	// Reach returns nil if it answers.
	Reach(ctx context.Context) error
}

// Table checks that the service's table answers reads.
func Table(t Reacher) health.Check { return health.Check{Name: "table", Probe: t.Reach} }

// Topic checks that the service's topic is there.
func Topic(t Reacher) health.Check { return health.Check{Name: "topic", Probe: t.Reach} }

// Registry finds services; one of package registry that caches nothing.
type Registry interface {
	// Resolve returns the addresses of a service.
	Resolve(ctx context.Context, name string) ([]string, error)
}

// Address checks that the registry knows where a service is. It must not be a cache: an address that this process
// still remembers helps no process that starts now.
func Address(r Registry, service string) health.Check {
	return health.Check{Name: "registry:" + service, Probe: func(ctx context.Context) error {
		_, err := r.Resolve(ctx, service)
		return err
	}}
}

// Secret checks by probe that a secret is there. Operators see it as name.
func Secret(name string, probe func(context.Context) error) health.Check {
	return health.Check{Name: "secret:" + name, Probe: probe}
}

// Need is what a service needs beside its table and topic.
type Need func(env *function.Env, table *ddb.Table) []health.Check

// ThirdParty is a dependency that the service calls: its address and its circuit.
func ThirdParty(name string) Need {
	return func(env *function.Env, table *ddb.Table) []health.Check {
		known := registry.Source(env.AWS(), env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock)
		return []health.Check{Address(known, name), resilience.Health(table, name)}
	}
}

// WebhookSecret is the secret WEBHOOK_SECRET, by which webhooks are verified.
func WebhookSecret(name string) Need {
	return func(env *function.Env, _ *ddb.Table) []health.Check {
		return []health.Check{Secret(name, secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock).Present)}
	}
}
