// Package health reports whether a service is ready: a Set of named checks, run concurrently under
// short deadlines, whose results are cached.
//
// A Report is for operators. Everyone else may see only its Public form, which says that something
// fails but not what.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
)

// Status is the outcome of a check, as in draft-inadarei-api-health-check.
type Status string

// The outcomes, from best to worst. With a warning the service is degraded but ready.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
)

const (
	// Each is the timeout of a check, long enough for the first connection of a new process.
	Each = 800 * time.Millisecond
	// All is how long a report waits for its checks, even if they ignore their context.
	All = time.Second
	// Fresh is how long results are cached, so that callers cannot load what is checked.
	Fresh = 5 * time.Second
)

// Codes for errors that have no code.
const (
	Timeout     = "Timeout"
	Unreachable = "Unreachable"
	Panicked    = "Panicked"
)

// Check probes one dependency.
type Check struct {
	// Name is the dependency's kind and name, such as "table" or "registry:carrier". Operators see
	// it, so it must not contain an address.
	Name string
	// Probe returns nil if the dependency is available. A Degraded error is a warning, any other
	// error a failure. Operators see the error's code but not its text.
	Probe func(ctx context.Context) error
}

// degraded marks an error that is only a warning.
type degraded struct{ error }

func (d degraded) Unwrap() error { return d.error }

// Degraded turns an error into a warning: the service works without the dependency.
func Degraded(err error) error {
	if err == nil {
		return nil
	}
	return degraded{err}
}

// Outcome is the result of one check.
type Outcome struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Code is the error's code, empty if the check passes.
	Code   string `json:"code,omitempty"`
	TookMs int64  `json:"tookMs"`
}

// Report is the results of all checks, in their order.
type Report struct {
	Status Status `json:"status"`
	// Time is when the checks were started.
	Time   clock.Stamp `json:"time"`
	Checks []Outcome   `json:"checks"`
}

// Public is what anyone may see of a report: whether the service is ready.
type Public struct {
	Status Status `json:"status"`
}

// Public leaves out the checks and reports a warning as Pass.
func (r Report) Public() Public {
	if r.Status == Fail {
		return Public{Fail}
	}
	return Public{Pass}
}

// Worst returns the worst of all, or Pass for none.
func Worst(all ...Status) Status {
	worst := Pass
	for _, s := range all {
		if s == Fail || worst == Pass {
			worst = s
		}
	}
	return worst
}

// Set is the checks of one service. It is safe for concurrent use.
type Set struct {
	clock   clock.Clock
	checks  []Check
	each    time.Duration
	all     time.Duration
	running []chan Outcome // by check: the result of a probe that is running or was abandoned

	mu     sync.Mutex // held during the checks: concurrent callers share one run
	report Report
	until  time.Time
}

// New returns a set of checks with distinct names.
func New(c clock.Clock, checks ...Check) *Set {
	return &Set{clock: c, checks: checks, each: Each, all: All, running: make([]chan Outcome, len(checks))}
}

// Within replaces the limits Each and All. Call it before Report.
func (s *Set) Within(each, all time.Duration) *Set {
	s.each, s.all = each, all
	return s
}

// Report runs the checks, or returns results younger than Fresh. It returns within its time limit
// even if a check hangs.
func (s *Set) Report(ctx context.Context) Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.Now().Before(s.until) {
		return s.report
	}
	all, cancel := deadline.Shared(ctx, s.all)
	defer cancel()
	report := s.run(all)
	if !deadline.Interrupted(all) { // a report cut short by the end of the invocation is not cached
		s.report, s.until = report, report.Time.Add(Fresh)
	}
	return report
}

func (s *Set) run(ctx context.Context) Report {
	begin := s.clock.Now()
	for i := range s.checks {
		s.start(ctx, i)
	}
	report := Report{Status: Pass, Time: clock.Stamp{Time: begin}, Checks: make([]Outcome, len(s.checks))}
	for i, c := range s.checks {
		report.Checks[i] = Outcome{Name: c.Name, Status: Fail, Code: Timeout}
		if o, ok := await(ctx, s.running[i]); ok {
			report.Checks[i], s.running[i] = o, nil
		} else {
			report.Checks[i].TookMs = s.clock.Now().Sub(begin).Milliseconds()
		}
		report.Status = Worst(report.Status, report.Checks[i].Status)
	}
	return report
}

// await waits for an answer until ctx ends. An answer that is available then counts.
func await(ctx context.Context, answer <-chan Outcome) (o Outcome, ok bool) {
	select {
	case o = <-answer:
		return o, true
	case <-ctx.Done():
	}
	select {
	case o = <-answer:
		return o, true
	default:
		return o, false
	}
}

// start runs the probe of check i, unless an earlier run's probe still hangs, so that a hanging
// probe costs one goroutine in all. The late result of an earlier run is discarded.
func (s *Set) start(ctx context.Context, i int) {
	if earlier := s.running[i]; earlier != nil {
		select {
		case <-earlier:
		default:
			return
		}
	}
	answer := make(chan Outcome, 1)
	s.running[i] = answer
	go func() {
		begin := s.clock.Now()
		// If the caller goes away, the result is for the next caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.each)
		defer cancel()
		err := probe(ctx, s.checks[i])
		took := s.clock.Now().Sub(begin)
		o := Outcome{Name: s.checks[i].Name, TookMs: took.Milliseconds()}
		if o.Status, o.Code = judge(ctx, err); o.Status != Pass {
			slog.WarnContext(ctx, "a health check does not pass", "check", o.Name, "status", string(o.Status),
				"code", o.Code, "error", err.Error())
		}
		answer <- o
	}()
}

// errPanic is the error of a probe that panicked.
var errPanic = fault.New(fault.Internal, Panicked, "the check panicked")

func probe(ctx context.Context, c Check) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanic.Because(fmt.Errorf("%v", p))
		}
	}()
	return c.Probe(ctx)
}

func judge(ctx context.Context, err error) (Status, string) {
	if err == nil {
		return Pass, ""
	}
	code := Code(err)
	if ctx.Err() != nil {
		code = Timeout
	}
	var warning degraded
	if errors.As(err, &warning) {
		return Warn, code
	}
	return Fail, code
}

// Code returns what operators may see of an error: a fault's or AWS's code, but not the text.
func Code(err error) string {
	var f *fault.Error
	var coded interface{ ErrorCode() string } // an AWS error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.As(err, &f):
		return f.Code
	case errors.As(err, &coded):
		return coded.ErrorCode()
	}
	return Unreachable
}
