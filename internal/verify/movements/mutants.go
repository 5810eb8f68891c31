package movements

import (
	"context"
	"strconv"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/verify/interleave"
	"orderflow/internal/warehouse"
)

// Mutant is a deliberate defect, inserted where the use cases are wired.
type Mutant struct {
	Name      string
	Store     func(warehouse.Store) warehouse.Store
	Inventory func(warehouse.Inventory) warehouse.Inventory
}

// Defects are the mutants for interleave.Hunt.
func Defects() (all []interleave.Defect) {
	for _, m := range Mutants {
		all = append(all, interleave.Defect{Name: m.Name, Find: func() (string, int) {
			r := Search(Options{Bounds: interleave.Bounds{Switches: 1, Faults: 1}, Events: 4, Mutant: &m})
			return r.Broken, r.Runs
		}})
	}
	return all
}

// Mutants are all defects that the search must find.
var Mutants = []Mutant{
	{Name: "the message's id is not recorded", Store: func(s warehouse.Store) warehouse.Store { return forgetful{s} }},
	{Name: "each attempt has a key of its own", Inventory: func(i warehouse.Inventory) warehouse.Inventory {
		return &rekeyed{Inventory: i}
	}},
	{Name: "the first attempt is forgotten", Store: func(s warehouse.Store) warehouse.Store {
		return changed{s, func(m *warehouse.Movement) { m.FirstTriedAt = time.Time{} }}
	}},
	{Name: "a movement is not claimed", Store: func(s warehouse.Store) warehouse.Store {
		return changed{s, func(m *warehouse.Movement) { m.ClaimedUntil = time.Time{} }}
	}},
	{Name: "a movement counts as applied when it is claimed", Store: func(s warehouse.Store) warehouse.Store {
		return changed{s, func(m *warehouse.Movement) { m.Applied = m.Applied || !m.ClaimedUntil.IsZero() }}
	}},
}

// forgetful keeps no barrier.
type forgetful struct{ warehouse.Store }

// Barriers is part of warehouse.Store.
func (forgetful) Barriers(context.Context, ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	return nil, nil
}

// SaveMovement is part of warehouse.Store.
func (f forgetful) SaveMovement(ctx context.Context, m warehouse.Movement, with commit.With) error {
	with.Barrier = nil
	return f.Store.SaveMovement(ctx, m, with)
}

// changed changes movements before they are saved.
type changed struct {
	warehouse.Store
	change func(*warehouse.Movement)
}

// SaveMovement is part of warehouse.Store.
func (c changed) SaveMovement(ctx context.Context, m warehouse.Movement, with commit.With) error {
	c.change(&m)
	return c.Store.SaveMovement(ctx, m, with)
}

// rekeyed gives each attempt a key of its own.
type rekeyed struct {
	warehouse.Inventory
	attempts int
}

// Adjust implements warehouse.Inventory.
func (r *rekeyed) Adjust(ctx context.Context, a warehouse.Adjustment) error {
	r.attempts++
	a.Key += "-" + strconv.Itoa(r.attempts)
	return r.Inventory.Adjust(ctx, a)
}
