package ddb

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/resilience"
)

type circuitItem struct {
	State      string    `dynamodbav:"state"`
	Version    int64     `dynamodbav:"version"`
	WindowEnds time.Time `dynamodbav:"windowEnds"`
	Failed     []string  `dynamodbav:"failed,omitempty"`
	Succeeded  int       `dynamodbav:"succeeded"`
	Row        []string  `dynamodbav:"row,omitempty"`
	Since      time.Time `dynamodbav:"since"`
	Openings   int       `dynamodbav:"openings"`
	RetryAt    time.Time `dynamodbav:"retryAt"`
	ProbeEnds  time.Time `dynamodbav:"probeEnds"`
	// Opened is a list of times as text. Earlier versions of the code keep it, but do not extend
	// it.
	Opened []string `dynamodbav:"opened,omitempty"`
}

const circuitKey = "state"

// Circuit reads a dependency's circuit; see resilience.CircuitLog.
func (t *Table) Circuit(ctx context.Context, dependency string) (resilience.Circuit, error) {
	item := circuitItem{State: string(resilience.Closed)}
	_, err := t.Find(ctx, "circuit#"+dependency, circuitKey, &item)
	var opened []time.Time
	for _, text := range item.Opened {
		at, bad := time.Parse(time.RFC3339Nano, text)
		opened, err = append(opened, at), errors.Join(err, bad)
	}
	return resilience.Circuit{
		State: resilience.State(item.State), Version: item.Version, WindowEnds: item.WindowEnds, Failed: item.Failed,
		Succeeded: item.Succeeded, Row: item.Row, Since: item.Since, Openings: item.Openings,
		RetryAt: item.RetryAt, ProbeEnds: item.ProbeEnds, Opened: opened,
	}, err
}

// SaveCircuit writes a circuit's next version; see resilience.CircuitLog.
func (t *Table) SaveCircuit(ctx context.Context, dependency string, c resilience.Circuit, with commit.With) error {
	var opened []string
	for _, at := range c.Opened {
		opened = append(opened, at.UTC().Format(time.RFC3339Nano))
	}
	return t.Commit(ctx, with, t.SaveVersion("circuit#"+dependency, circuitKey, circuitItem{
		State: string(c.State), Version: c.Version, WindowEnds: c.WindowEnds, Failed: c.Failed,
		Succeeded: c.Succeeded, Row: c.Row, Since: c.Since, Openings: c.Openings, RetryAt: c.RetryAt,
		ProbeEnds: c.ProbeEnds, Opened: opened,
	}, c.Version-1))
}
