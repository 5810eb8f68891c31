package memdb

import (
	"context"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// Circuit returns a dependency's circuit; see resilience.CircuitLog.
func (l *Log) Circuit(_ context.Context, dependency string) (resilience.Circuit, error) {
	if err := l.gate.Find(); err != nil {
		return resilience.Circuit{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.circuits.Find(dependency); ok {
		return c, nil
	}
	return resilience.Circuit{State: resilience.Closed}, nil
}

// SaveCircuit writes a circuit's next version; see resilience.CircuitLog.
func (l *Log) SaveCircuit(_ context.Context, dependency string, c resilience.Circuit, with commit.With) error {
	return l.Commit(with, func() error {
		if l.circuits.Get(dependency).Version != c.Version-1 {
			return fault.ErrLostRace
		}
		l.circuits.Save(dependency, c)
		return nil
	})
}
