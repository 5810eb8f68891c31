package resilience

import (
	"slices"
	"time"
)

// State is the state of a circuit.
type State string

// A circuit is closed while its dependency answers. It opens when too many calls fail, and refuses
// calls for a time. Then it is half-open: one probe decides whether it closes or opens again.
const (
	Closed   State = "CLOSED"
	Open     State = "OPEN"
	HalfOpen State = "HALF_OPEN"
)

// Circuit is the state of a breaker, which all processes share. It is a value: each transition
// returns another one. (Pattern: Nygard, Release It!, "Circuit Breaker".)
//
// While nothing fails it is never written: successes count only in a window in which something
// failed. Failures are counted by call, not by attempt, so one request that always fails cannot cut
// off others.
type Circuit struct {
	State State
	// Version grows by one with each transition; 0 is a circuit that was never written.
	Version int64

	// WindowEnds, Failed and Succeeded belong to a closed circuit: the end of its window, the calls
	// that failed in it, and how many succeeded since the first of them.
	WindowEnds time.Time
	Failed     []string
	Succeeded  int
	// Row has the calls in that window that failed since the last success.
	Row []string

	// Since is when it first opened after it was last closed; zero while it is closed.
	Since time.Time
	// Openings counts how often it opened without closing in between. RetryAt is when an open
	// circuit lets a probe through.
	Openings int
	RetryAt  time.Time

	// ProbeEnds is when a probe without an outcome counts as failed.
	ProbeEnds time.Time

	// Opened has the times of its latest openings, oldest first, also those before it was closed.
	Opened []time.Time
}

// Settings are the limits of a circuit.
type Settings struct {
	// Window is how long failures are counted together.
	Window time.Duration
	// Failures is how many distinct calls must fail in a window before it opens.
	Failures int
	// Ratio is the part of the window's calls, 0 to 1, that must also have failed.
	Ratio float64
	// Row is how many distinct calls that fail in a row are enough, however many succeeded before;
	// 0 is off.
	Row int
	// OpenFor is how long it stays open at first; it doubles with each failed probe up to
	// MaxOpenFor.
	OpenFor, MaxOpenFor time.Duration
	// ProbeFor is how long a probe may take.
	ProbeFor time.Duration
}

// DefaultSettings open a circuit when three calls fail within half a minute and no more succeed, or
// five fail in a row. Without the second, an outage that begins in a window of many successes would
// be noticed when the window ends, and orders would use up their attempts until then.
var DefaultSettings = Settings{
	Window: 30 * time.Second, Failures: 3, Ratio: .5, Row: 5,
	OpenFor: 5 * time.Second, MaxOpenFor: 15 * time.Second, ProbeFor: 10 * time.Second,
}

// maxFailed and maxOpened bound how many calls and openings are remembered, and so the size of the
// state. A circuit that stays open opens again every 15 to 25 seconds.
const (
	maxFailed = 16
	maxOpened = 64
)

// troubled reports whether something failed in the window of a closed circuit.
func (c Circuit) troubled(now time.Time) bool {
	return c.State == Closed && len(c.Failed) > 0 && now.Before(c.WindowEnds)
}

// admits reports whether a call may go through.
func (c Circuit) admits() bool { return c.State == Closed }

// probeDue reports whether the probe may be claimed.
func (c Circuit) probeDue(now time.Time) bool {
	switch c.State {
	case Open:
		return !now.Before(c.RetryAt)
	case HalfOpen:
		return !now.Before(c.ProbeEnds)
	default:
		return false
	}
}

// wait is how long a refused caller should stay away.
func (c Circuit) wait(now time.Time) time.Duration {
	until := c.RetryAt
	if c.State == HalfOpen {
		until = c.ProbeEnds
	}
	return max(until.Sub(now), 0)
}

// failed counts the failure of a call, named by key, and opens the circuit if that reaches a limit.
func (c Circuit) failed(key string, now time.Time, s Settings) Circuit {
	if c.State != Closed {
		return c // it was admitted long ago and says nothing new
	}
	next := c
	if !c.troubled(now) {
		next.Failed, next.Row, next.Succeeded, next.WindowEnds = nil, nil, 0, now.Add(s.Window)
	}
	known := slices.Contains(next.Failed, key) || len(next.Failed) == maxFailed
	again := slices.Contains(next.Row, key) || len(next.Row) == maxFailed
	if known && again {
		return c
	}
	next.Version++
	if !known {
		next.Failed = append(slices.Clone(next.Failed), key)
	}
	if !again {
		next.Row = append(slices.Clone(next.Row), key)
	}
	n := len(next.Failed)
	if n >= s.Failures && float64(n) >= s.Ratio*float64(n+next.Succeeded) || s.Row > 0 && len(next.Row) >= s.Row {
		return next.open(now, s)
	}
	return next
}

// succeeded counts a success if a window is open.
func (c Circuit) succeeded(now time.Time) Circuit {
	if !c.troubled(now) {
		return c
	}
	c.Version++
	c.Succeeded++
	c.Row = nil
	return c
}

func (c Circuit) open(now time.Time, s Settings) Circuit {
	wait := s.MaxOpenFor
	if c.Openings < 16 {
		wait = min(s.OpenFor<<c.Openings, s.MaxOpenFor)
	}
	since := c.Since
	if since.IsZero() {
		since = now
	}
	opened := append(slices.Clone(c.Opened), now)
	return Circuit{
		State: Open, Version: c.Version, Since: since, Openings: c.Openings + 1, RetryAt: now.Add(wait),
		Opened: opened[max(0, len(opened)-maxOpened):],
	}
}

// claimed gives the probe to the caller that writes this version.
func (c Circuit) claimed(now time.Time, s Settings) Circuit {
	return Circuit{
		State: HalfOpen, Version: c.Version + 1, Since: c.Since, Openings: c.Openings, ProbeEnds: now.Add(s.ProbeFor),
		Opened: c.Opened,
	}
}

// probed ends the probe.
func (c Circuit) probed(ok bool, now time.Time, s Settings) Circuit {
	c.Version++
	if ok {
		return Circuit{State: Closed, Version: c.Version, Opened: c.Opened}
	}
	return c.open(now, s)
}

// released gives back a probe that was not made.
func (c Circuit) released(now time.Time) Circuit {
	return Circuit{
		State: Open, Version: c.Version + 1, Since: c.Since, Openings: c.Openings, RetryAt: now, Opened: c.Opened,
	}
}
