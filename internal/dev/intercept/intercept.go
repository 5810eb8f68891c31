// Package intercept routes a local stack's calls to a dependency through this process, which counts
// them and can make them fail. It changes the dependency's address in the registry.
package intercept

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/faultserver"
)

// Dependency is a dependency whose calls can be routed through this process.
type Dependency struct {
	name string // in the registry
	// home is the output with its own address; the registry may have that of a killed run.
	home string
	// callers are the functions that call it. Others that do keep its own address for a minute.
	callers []string
}

// The dependencies.
var (
	Provider = Dependency{"payment-provider", "SandboxUrl",
		[]string{"authorize-payment", "capture-payment", "void-payment", "reconcile-charges"}}
	// Orders and OldShop are the two sides of the old interface, as its router sees them.
	Orders  = Dependency{"orders", "ApiUrl", []string{"route-legacy"}}
	OldShop = Dependency{"legacy-shop", "SandboxUrl", []string{"route-legacy"}}
)

// An Interceptor receives the calls until it is closed.
type Interceptor struct {
	proxy *faultserver.Server
	stack *devstack.Stack
	of    Dependency
}

// Open routes the calls to a dependency through this process. The caller must close it. If this
// process is killed first, the next Open and Close restore the address.
func Open(ctx context.Context, s *devstack.Stack, d Dependency) (*Interceptor, error) {
	proxy, err := faultserver.NewProxy(s.Outputs[d.home])
	if err != nil {
		return nil, err
	}
	i := &Interceptor{proxy: proxy, stack: s, of: d}
	if err := i.point(ctx, proxy.URL()); err != nil {
		return nil, errors.Join(err, i.Close()) //nolint:contextcheck // works after ctx has ended, too
	}
	return i, nil
}

// Close restores the original address.
func (i *Interceptor) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := i.point(ctx, i.stack.Outputs[i.of.home])
	i.proxy.Close()
	return err
}

// point sets the address in the registry and restarts the callers, which cache it for a minute.
func (i *Interceptor) point(ctx context.Context, address string) error {
	if err := i.stack.SetAddress(ctx, i.of.name, address); err != nil {
		return err
	}
	return i.stack.RestartProcesses(ctx, i.of.callers...)
}

// Break makes the dependency unavailable: calls get a 503, and every fourth no response.
func (i *Interceptor) Break() error {
	return i.proxy.Set(faultserver.Status(http.StatusServiceUnavailable, 0).Mixed(4, faultserver.Hang))
}

// Mend brings it up again.
func (i *Interceptor) Mend() error { return i.proxy.Set(faultserver.None) }

// Calls returns the times of calls since the given time, oldest first.
func (i *Interceptor) Calls(since time.Time) (calls []time.Time) {
	for _, a := range slices.Backward(i.proxy.Arrivals()) {
		if a.At.Before(since) {
			break
		}
		calls = append(calls, a.At)
	}
	slices.Reverse(calls)
	return calls
}
