package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orderflow/internal/platform/resilience"
)

// look is one sample of the circuit.
type look struct {
	at       time.Time
	state    resilience.State
	openings int
}

// often is the sampling interval of the circuit; line is the interval of the timeline's lines.
const (
	often = 200 * time.Millisecond
	line  = 5 * time.Second
)

// watch samples the circuit until ctx ends.
func (o *outage) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if c, err := o.Circuit(ctx); err == nil {
			o.mu.Lock()
			o.looks = append(o.looks, look{time.Now(), c.State, c.Openings})
			o.mu.Unlock()
		}
		_ = pause(ctx, often)
	}
}

// printTimeline prints the timeline until ctx ends.
func (o *outage) printTimeline(ctx context.Context) {
	fmt.Fprintf(o.out, "%8s  %6s  %7s  %5s  %5s  %s\n", "TIME", "ORDERS", "CALLS/S", "OPEN", "FINAL", "CIRCUIT")
	for from := o.begin; pause(ctx, time.Until(from.Add(line))) == nil; from = from.Add(line) {
		to := from.Add(line)
		calls := 0
		for _, c := range o.provider.Calls(from) {
			if c.Before(to) {
				calls++
			}
		}
		text := "      ?      ?"
		if orders, err := o.orders(ctx); err == nil {
			text = fmt.Sprintf("%5d  %5d", open(orders), len(orders)-open(orders))
		}
		fmt.Fprintf(o.out, "%6.0f s  %6d  %7.1f  %s  %s\n", to.Sub(o.begin).Seconds(), o.count(),
			float64(calls)/line.Seconds(), text, o.states(from, to))
	}
}

// states returns the sequence of the circuit's states within a time.
func (o *outage) states(from, to time.Time) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var seen []string
	for _, l := range o.looks {
		if l.at.Before(from) || !l.at.Before(to) {
			continue
		}
		if s := string(l.state); len(seen) == 0 || seen[len(seen)-1] != s {
			seen = append(seen, s)
		}
	}
	return strings.Join(seen, " → ")
}

// span is a time during which the circuit was open or half-open.
type span struct{ from, to time.Time }

// opened returns when the circuit refused ordinary calls, and how often it opened. It counts as
// open from the first sample that shows it open to the first that shows it closed.
func opened(looks []look) (spans []span, times int) {
	before := look{state: resilience.Closed}
	for _, l := range looks {
		switch {
		case l.state != resilience.Closed && before.state == resilience.Closed:
			spans = append(spans, span{l.at, l.at})
			times += l.openings
		case before.state != resilience.Closed:
			spans[len(spans)-1].to = l.at
			times += max(l.openings-before.openings, 0) // 0 after it closed
		}
		before = l
	}
	return spans, times
}
