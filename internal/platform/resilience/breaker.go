// Package resilience protects a caller from a failing dependency: it retries within a budget, stops
// calling when the dependency is down, and bounds concurrent calls. Package httpclient composes the
// parts.
//
// A Lambda process serves one invocation at a time, so it learns little on its own. A circuit's
// state is kept in the service's table, where all processes see it.
package resilience

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/metrics"
)

// CircuitLog keeps circuits. Every service's store is one.
type CircuitLog interface {
	// Circuit returns the circuit of a dependency, or a closed one of version 0.
	Circuit(ctx context.Context, dependency string) (Circuit, error)
	// SaveCircuit writes c if the stored version is the one before it, else it fails with
	// fault.ErrLostRace.
	SaveCircuit(ctx context.Context, dependency string, c Circuit, with commit.With) error
}

// ErrOpen is the fault of a call that an open circuit refuses. Its RetryAfter is the time until the
// circuit may let calls through again.
var ErrOpen = fault.New(fault.Unavailable, "CircuitOpen", "a service that this needs is out of order; try again later")

var errNotTried = errors.New("the call was not made")

// Changed is the data of the event about a circuit's change.
type Changed struct {
	Dependency string `json:"dependency"`
	From       State  `json:"from"`
	To         State  `json:"to"`
	// Openings is how often it has opened since it was last closed.
	Openings int `json:"openings"`
}

// fresh is how long a process trusts the state that it read; alone is how long it works without the
// log after an error of the log.
const (
	fresh = time.Second
	alone = 5 * time.Second
)

// look bounds one read of the log; firstLook the first one of a process, which also makes the
// connection.
const (
	look      = 300 * time.Millisecond
	firstLook = time.Second
)

// Breaker guards the calls of a process to one dependency, by the circuit that all processes share.
// If the log fails, it continues with the last known state; an error of the log never makes a call
// fail.
type Breaker struct {
	dependency string
	log        CircuitLog
	settings   Settings
	clock      clock.Clock
	events     envelope.Publisher

	mu    sync.Mutex
	known Circuit
	until time.Time
	// alone is until when the log is not used, because it failed.
	alone time.Time
	// met says that the log has been read before.
	met bool
}

// NewBreaker returns the breaker of a dependency. The publisher's service publishes its changes.
func NewBreaker(dependency string, log CircuitLog, s Settings, c clock.Clock, p envelope.Publisher) *Breaker {
	return &Breaker{dependency: dependency, log: log, settings: s, clock: c, events: p, known: Circuit{State: Closed}}
}

// Admission lets one call through. It must be ended once, by Succeeded, Failed or Abandoned.
type Admission struct {
	b *Breaker
	// Probe says that this call decides on a half-open circuit.
	Probe bool
	// claim is the version of the circuit that made it the probe.
	claim int64
}

// Admit admits a call, or fails with ErrOpen.
func (b *Breaker) Admit(ctx context.Context) (Admission, error) {
	c, now := b.current(ctx), b.clock.Now()
	if c.admits() {
		return Admission{b: b}, nil
	}
	if c.probeDue(now) && ctx.Err() == nil {
		claim := c.claimed(now, b.settings)
		// A claim that is cut off may have been written; then all processes would wait for a probe
		// that nobody makes.
		if err := b.save(context.WithoutCancel(ctx), c, claim); err == nil {
			return Admission{b: b, Probe: true, claim: claim.Version}, nil
		}
		c = b.current(ctx) // another process has the probe
		if c.admits() {
			return Admission{b: b}, nil
		}
	}
	return Admission{}, b.refusal(c, errNotTried)
}

// Closed reports whether the circuit is closed. It admits nothing and claims no probe.
func (b *Breaker) Closed(ctx context.Context) bool { return b.current(ctx).admits() }

// Refused returns cause as ErrOpen if the circuit, as far as this process knows, refuses calls now;
// else it returns cause.
func (b *Breaker) Refused(cause error) error {
	b.mu.Lock()
	c := b.known
	b.mu.Unlock()
	if c.admits() {
		return cause
	}
	return b.refusal(c, cause)
}

func (b *Breaker) refusal(c Circuit, cause error) error {
	wait := max(c.wait(b.clock.Now()), fault.From(cause).RetryAfter) // the dependency may have asked for more
	return ErrOpen.After(wait).Because(fmt.Errorf("the circuit of %s is open: %w", b.dependency, cause))
}

// Succeeded ends an admission: the dependency answered.
func (a Admission) Succeeded(ctx context.Context) {
	if !a.Probe && !a.b.knowsTrouble() {
		return // without failures to weigh it against, a success is not counted: a healthy dependency costs no writes
	}
	a.b.change(ctx, func(c Circuit, now time.Time) Circuit {
		if a.Probe {
			return a.probed(c, true, now)
		}
		return c.succeeded(now)
	})
}

// Failed ends an admission: the dependency did not answer as it should. call names the call, and is
// the same for all of its attempts.
func (a Admission) Failed(ctx context.Context, call string) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(call)) // never fails
	key := fmt.Sprintf("%08x", h.Sum32())
	a.b.change(ctx, func(c Circuit, now time.Time) Circuit {
		if a.Probe {
			return a.probed(c, false, now)
		}
		return c.failed(key, now, a.b.settings)
	})
}

// Abandoned ends an admission from which nothing was learned, such as when the caller went away.
func (a Admission) Abandoned(ctx context.Context) {
	if !a.Probe {
		return
	}
	a.b.change(ctx, func(c Circuit, now time.Time) Circuit {
		if c.Version != a.claim {
			return c
		}
		return c.released(now)
	})
}

// probed ends the probe, unless it took so long that another has begun.
func (a Admission) probed(c Circuit, ok bool, now time.Time) Circuit {
	if c.Version != a.claim {
		return c
	}
	return c.probed(ok, now, a.b.settings)
}

// races bounds how often a change is decided again; after that one count of many is lost.
const races = 3

// change applies a transition to the shared circuit.
func (b *Breaker) change(ctx context.Context, transition func(c Circuit, now time.Time) Circuit) {
	ctx = context.WithoutCancel(ctx) // the outcome counts, even if the caller has gone
	for range races {
		c := b.current(ctx)
		next := transition(c, b.clock.Now())
		if next.Version == c.Version || b.save(ctx, c, next) == nil {
			return
		}
	}
}

// current returns the circuit, as read within the last second.
func (b *Breaker) current(ctx context.Context) Circuit {
	b.mu.Lock()
	known, until := b.known, b.until
	limit := look
	if !b.met {
		limit = firstLook
	}
	b.mu.Unlock()
	if b.clock.Now().Before(until) {
		return known
	}
	bounded, cancel := deadline.Shared(ctx, limit)
	defer cancel()
	c, err := b.log.Circuit(bounded, b.dependency)
	b.acquainted()
	if err != nil && deadline.Interrupted(bounded) {
		return known // the invocation has ended, which says nothing about the log
	}
	if err != nil {
		slog.WarnContext(ctx, "the circuit cannot be read; this process keeps its own",
			"dependency", b.dependency, "error", err.Error())
		b.keepAlone(known)
		return known
	}
	b.cache(c, fresh)
	return c
}

// save writes next in place of c. Only a lost race is an error; the circuit is then read again.
func (b *Breaker) save(ctx context.Context, c, next Circuit) error {
	err := b.write(ctx, c, next)
	if errors.Is(err, fault.ErrLostRace) {
		b.cache(c, 0)
		return err
	}
	if err != nil {
		slog.WarnContext(ctx, "the circuit cannot be written; this process keeps its own",
			"dependency", b.dependency, "error", err.Error())
		b.keepAlone(next)
	}
	if next.State == Open && c.State == Closed {
		metrics.Count(ctx, metrics.CircuitOpened, 1, metrics.Dependency(b.dependency))
	}
	if next.State != c.State {
		slog.WarnContext(ctx, "circuit changed", "dependency", b.dependency,
			"from", string(c.State), "to", string(next.State), "openings", next.Openings)
	}
	return nil
}

func (b *Breaker) write(ctx context.Context, c, next Circuit) error {
	b.mu.Lock()
	byItself := b.clock.Now().Before(b.alone)
	if byItself {
		b.known = next
	}
	b.mu.Unlock()
	if byItself {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	if err := b.log.SaveCircuit(ctx, b.dependency, next, b.stateChanged(ctx, c, next)); err != nil {
		return err
	}
	b.cache(next, fresh)
	return nil
}

// stateChanged returns the event of a change of state, if there is one.
func (b *Breaker) stateChanged(ctx context.Context, c, next Circuit) commit.With {
	if c.State == next.State {
		return commit.With{}
	}
	changed := Changed{Dependency: b.dependency, From: c.State, To: next.State, Openings: next.Openings}
	kind := "orderflow." + b.events.Service + ".circuit.changed.v1"
	return commit.With{Events: []envelope.Event{b.events.New(ctx, kind, b.dependency, next.Version, changed)}}
}

func (b *Breaker) knowsTrouble() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known.troubled(b.clock.Now())
}

func (b *Breaker) acquainted() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.met = true
}

func (b *Breaker) cache(c Circuit, ttl time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known, b.until = c, b.clock.Now().Add(ttl)
}

// keepAlone keeps this process's own circuit while it does without the log.
func (b *Breaker) keepAlone(c Circuit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alone = b.clock.Now().Add(alone)
	b.known, b.until = c, b.alone
}
