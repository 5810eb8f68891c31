// Package intercept leads a local stack's calls to a third party through this process, where they
// are counted and can be made to fail. It changes the third party's address in the registry, as an
// operator would who moves it.
package intercept

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/faults/faultserver"
)

// Route says whose calls are led, and where from.
type Route struct {
	// Dependency is the third party's name in the registry.
	Dependency string
	// Home is its own address. What the registry has is not asked for: a run that died may have
	// left its own there.
	Home string
	// Functions are those that call it. They keep an address for a minute, so they are given new
	// processes at both ends.
	Functions []string
}

// Payments is the route to a stack's payment provider.
func Payments(s *devstack.Stack) Route {
	return Route{
		Dependency: "payment-provider", Home: s.Outputs["SandboxUrl"],
		Functions: []string{"authorize-payment", "capture-payment", "void-payment", "reconcile-charges"},
	}
}

// An Interceptor receives the calls until it is closed.
type Interceptor struct {
	proxy *faultserver.Server
	stack *devstack.Stack
	route Route
}

// Open leads the calls through this process from now on. It must be closed, whatever happens; if
// this process dies before that, the next Open and Close of the same route put things right.
func Open(ctx context.Context, s *devstack.Stack, r Route) (*Interceptor, error) {
	proxy, err := faultserver.NewProxy(r.Home)
	if err != nil {
		return nil, err
	}
	d := &Interceptor{proxy: proxy, stack: s, route: r}
	if err := d.point(ctx, proxy.URL()); err != nil {
		return nil, errors.Join(err, d.Close()) //nolint:contextcheck // it leads home also where ctx has ended
	}
	return d, nil
}

// closing bounds Close.
const closing = 30 * time.Second

// Close leads the calls home again.
func (d *Interceptor) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	err := d.point(ctx, d.route.Home)
	d.proxy.Close()
	return err
}

// point writes an address into the registry, and sees to it that the callers read it.
func (d *Interceptor) point(ctx context.Context, address string) error {
	if err := d.stack.SetAddress(ctx, d.route.Dependency, address); err != nil {
		return err
	}
	return d.stack.RestartProcesses(ctx, d.route.Functions...)
}

// Break takes the third party down, as its callers see it: it answers 503, and every fourth time
// not at all.
func (d *Interceptor) Break() error {
	return d.proxy.Set(faultserver.Status(http.StatusServiceUnavailable, 0).Mixed(4, faultserver.Hang))
}

// Mend brings it up again.
func (d *Interceptor) Mend() error { return d.proxy.Set(faultserver.None) }

// Calls returns when calls came by since the given time, the oldest first.
func (d *Interceptor) Calls(since time.Time) (calls []time.Time) {
	for _, a := range slices.Backward(d.proxy.Arrivals()) {
		if a.At.Before(since) {
			break
		}
		calls = append(calls, a.At)
	}
	slices.Reverse(calls)
	return calls
}
