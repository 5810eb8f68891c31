// Package intercept routes a local stack's calls to a third party through this process, which
// counts them and can make them fail. It changes the third party's address in the registry.
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

// Route describes the calls to intercept.
type Route struct {
	// Dependency is the third party's name in the registry.
	Dependency string
	// Home is its own address. It is not read from the registry, which may have the address of a
	// killed run.
	Home string
	// Functions are its callers. They cache addresses for a minute, so Open and Close restart them.
	Functions []string
}

// Payments returns the route to a stack's payment provider.
func Payments(s *devstack.Stack) Route {
	return Route{
		Dependency: "payment-provider", Home: s.Outputs["SandboxUrl"],
		Functions: []string{"authorize-payment", "capture-payment", "void-payment", "reconcile-charges"},
	}
}

// An Interceptor receives calls until it is closed.
type Interceptor struct {
	proxy *faultserver.Server
	stack *devstack.Stack
	route Route
}

// Open routes the calls through this process. The caller must close it. If this process is killed
// first, the next Open and Close of the route restore the address.
func Open(ctx context.Context, s *devstack.Stack, r Route) (*Interceptor, error) {
	proxy, err := faultserver.NewProxy(r.Home)
	if err != nil {
		return nil, err
	}
	d := &Interceptor{proxy: proxy, stack: s, route: r}
	if err := d.point(ctx, proxy.URL()); err != nil {
		return nil, errors.Join(err, d.Close()) //nolint:contextcheck // works after ctx has ended, too
	}
	return d, nil
}

// closing bounds Close.
const closing = 30 * time.Second

// Close restores the original address.
func (d *Interceptor) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	err := d.point(ctx, d.route.Home)
	d.proxy.Close()
	return err
}

// point sets the address in the registry and restarts the callers.
func (d *Interceptor) point(ctx context.Context, address string) error {
	if err := d.stack.SetAddress(ctx, d.route.Dependency, address); err != nil {
		return err
	}
	return d.stack.RestartProcesses(ctx, d.route.Functions...)
}

// Break makes the third party unavailable: calls get a 503, and every fourth no response.
func (d *Interceptor) Break() error {
	return d.proxy.Set(faultserver.Status(http.StatusServiceUnavailable, 0).Mixed(4, faultserver.Hang))
}

// Mend brings it up again.
func (d *Interceptor) Mend() error { return d.proxy.Set(faultserver.None) }

// Calls returns the times of calls since the given time, oldest first.
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
