// Package health tells whether what a service needs is there: a Set of named checks, run side by side under short deadlines,
// whose outcome is told again for a while. It knows nothing of what is checked.
//
// A Report is for operators. To everybody else only its Public form may be shown, which says that something fails and never what.
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

// The outcomes, from good to bad. A warning is of something degraded: the service still does its work, so it is ready.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
)

const (
	// Each is when a check's context ends: time enough for the first connection of a new process.
	Each = 800 * time.Millisecond
	// All is how long checks are waited for, whether or not they heed their context.
	All = time.Second
	// Fresh is how long an outcome is told again instead of looking anew, so that callers cannot make a process knock at
	// what it needs all the time.
	Fresh = 5 * time.Second
)

// Codes of checks whose error has none of its own.
const (
	Timeout     = "Timeout"
	Unreachable = "Unreachable"
	Panicked    = "Panicked"
)

// Check looks whether one thing is there.
type Check struct {
	// Name says what kind of thing, and which: "table", "registry:carrier". Operators read it; it must hold no address.
	Name string
	// Probe returns nil if it is there. A Degraded error is a warning, any other a failure. Operators see its code, if it has
	// one, and none of its words.
	Probe func(ctx context.Context) error
}

// degraded marks an error that is only a warning.
type degraded struct{ error }

func (d degraded) Unwrap() error { return d.error }

// Degraded turns an error into a warning: the service goes on without what was checked.
func Degraded(err error) error {
	if err == nil {
		return nil
	}
	return degraded{err}
}

// Outcome is what one check found.
type Outcome struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Code tells what is wrong; empty where nothing is.
	Code string `json:"code,omitempty"`
	// TookMs is how long the check took, in milliseconds.
	TookMs int64 `json:"tookMs"`
}

// Report is what all checks found, in the order in which they were given.
type Report struct {
	Status Status `json:"status"`
	// Time is when the checks were run.
	Time   time.Time `json:"time"`
	Checks []Outcome `json:"checks"`
}

// Public is what anybody may know of a report: whether the service is ready.
type Public struct {
	Status Status `json:"status"`
}

// Public leaves out every part, and that something is degraded.
func (r Report) Public() Public {
	if r.Status == Fail {
		return Public{Fail}
	}
	return Public{Pass}
}

// Worst is the worst of some outcomes; Pass of none.
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
	clock  clock.Clock
	checks []Check
	each   time.Duration
	all    time.Duration
	busy   []chan Outcome // by check: where a probe answers that runs, or was given up on

	mu     sync.Mutex // held while checking: callers at the same time share one look
	report Report
	until  time.Time
}

// New returns a set of checks, whose names must differ.
func New(c clock.Clock, checks ...Check) *Set {
	return &Set{clock: c, checks: checks, each: Each, all: All, busy: make([]chan Outcome, len(checks))}
}

// Within sets other limits than Each and All, before there is a report.
func (s *Set) Within(each, all time.Duration) *Set {
	s.each, s.all = each, all
	return s
}

// Report runs the checks, or tells again what they found less than Fresh ago. It answers within its limit, whatever they do.
func (s *Set) Report(ctx context.Context) Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.Now().Before(s.until) {
		return s.report
	}
	all, cancel := deadline.Shared(ctx, s.all)
	defer cancel()
	report := s.look(all)
	if !deadline.Interrupted(all) { // else the invocation ended, which says nothing about what was checked
		s.report, s.until = report, report.Time.Add(Fresh)
	}
	return report
}

func (s *Set) look(ctx context.Context) Report {
	begin := s.clock.Now()
	for i := range s.checks {
		s.start(ctx, i)
	}
	report := Report{Status: Pass, Time: begin, Checks: make([]Outcome, len(s.checks))}
	for i, c := range s.checks {
		report.Checks[i] = Outcome{Name: c.Name, Status: Fail, Code: Timeout}
		if o, ok := await(ctx, s.busy[i]); ok {
			report.Checks[i], s.busy[i] = o, nil
		} else {
			report.Checks[i].TookMs = s.clock.Now().Sub(begin).Milliseconds()
		}
		report.Status = Worst(report.Status, report.Checks[i].Status)
	}
	return report
}

// await waits for an answer until ctx ends; one that is there by then counts.
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

// start runs the probe of check i, unless it still runs since an earlier look: a probe that hangs costs one goroutine, not
// one a look. What it answered since then is out of date.
func (s *Set) start(ctx context.Context, i int) {
	if running := s.busy[i]; running != nil {
		select {
		case <-running:
		default:
			return
		}
	}
	answer := make(chan Outcome, 1)
	s.busy[i] = answer
	go func() {
		begin := s.clock.Now()
		// The caller may go away; what the probe finds is for the next one then.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.each)
		defer cancel()
		err := probe(ctx, s.checks[i])
		took := s.clock.Now().Sub(begin)
		o := Outcome{Name: s.checks[i].Name, TookMs: took.Milliseconds()}
		if o.Status, o.Code = judge(ctx, err); o.Status != Pass {
			slog.WarnContext(ctx, "a health check does not pass", "check", o.Name, "status", string(o.Status), "code", o.Code, "error", err.Error())
		}
		answer <- o
	}()
}

// errPanic stands for a panic of a probe, which must not take the process along.
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

// Code is what operators may know of an error: a fault's code, or AWS's; none of its words.
func Code(err error) string {
	var f *fault.Error
	var coded interface{ ErrorCode() string } // AWS's own errors
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
