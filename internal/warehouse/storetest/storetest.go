// Package storetest is the suite that every warehouse store passes.
package storetest

import (
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
)

var orders = storesuite.Aggregate[warehouse.Store, warehouse.Order]{
	Get: warehouse.Store.Order, Save: warehouse.Store.SaveOrder,
	New: func(id string, version int64) warehouse.Order { return warehouse.Order{ID: id, Version: version} },
	Versions: []warehouse.Order{
		{ID: "1", ConfirmedBy: "e1", Version: 1},
		{ID: "1", ConfirmedBy: "e1", CancelledBy: "e2", Lines: lines, Version: 2},
		{
			ID: "1", ConfirmedBy: "e1", CancelledBy: "e2", Lines: lines, Sent: true,
			PickedAt: storesuite.Start, PackedAt: storesuite.Start.Add(time.Minute), Version: 3,
		},
		{ID: "1", ConfirmedBy: "e1", Lines: lines, Version: 4},
	},
}

var none commit.With

var lines = []contract.Line{{SKU: "a", Quantity: 2}, {SKU: "b", Quantity: 1}}

var movements = storesuite.Aggregate[warehouse.Store, warehouse.Movement]{
	Get: warehouse.Store.Movement, Save: warehouse.Store.SaveMovement, Missing: warehouse.ErrNoMovement,
	New: func(id string, version int64) warehouse.Movement { return warehouse.Movement{ID: id, Version: version} },
	Versions: []warehouse.Movement{
		{ID: "1", SKU: "a", Delta: -3, Reason: "counted", Version: 1},
		{
			ID: "1", SKU: "a", Delta: -3, Reason: "counted", Version: 2, Attempts: warehouse.Attempts{
				FirstTriedAt: storesuite.Start, ClaimedUntil: storesuite.Start.Add(warehouse.Claim),
			},
		},
		{ID: "1", SKU: "a", Delta: -3, Reason: "counted", Applied: true, Version: 3},
	},
}

// Suite is what every warehouse store has to pass.
var Suite = storesuite.Suite[warehouse.Store]{
	Aggregates: []storesuite.Aggregates[warehouse.Store]{orders, movements},
	Cases:      []func(*testing.T, warehouse.Store){linesAreCommittedOnce, messageIsParkedOnce},
	Kinds: map[string]storesuite.Kind[warehouse.Store]{
		"Parked": {
			Write:   func(t *testing.T, s warehouse.Store) { must(t, s.Park(t.Context(), parked("m1#d", "first"))) },
			Rewrite: func(t *testing.T, s warehouse.Store) { must(t, s.Park(t.Context(), parked("m1#d", "again"))) },
		},
	},
}

func linesAreCommittedOnce(t *testing.T, s warehouse.Store) {
	other := []contract.Line{{SKU: "c", Quantity: 9}}
	for i, l := range [][]contract.Line{lines, other} {
		must(t, s.SaveOrder(t.Context(), warehouse.Order{ID: "1", Lines: l, Version: int64(i) + 1}, none))
	}
	if o, err := s.Order(t.Context(), "1"); err != nil || !slices.Equal(o.Lines, lines) {
		t.Errorf("Order: %+v, %v; want the lines that were saved first", o, err)
	}
}

func messageIsParkedOnce(t *testing.T, s warehouse.Store) {
	if found, err := s.Parked(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("Parked at first: %+v, %v", found, err)
	}
	for _, p := range []warehouse.Parked{parked("m1#d", "first"), parked("m1#d", "again"), parked("#d", "another")} {
		must(t, s.Park(t.Context(), p))
	}
	found, err := s.Parked(t.Context())
	if err != nil || len(found) != 2 || found[0].Reason != "another" || found[1].Reason != "first" {
		t.Fatalf("Parked: %+v, %v", found, err)
	}
	got := found[1]
	if got.ID != "m1#d" || got.Message.ID != "m1" || got.Message.Type != "t" || string(got.Message.Body) != "\xff{" ||
		!got.ParkedAt.Equal(storesuite.Start) {
		t.Errorf("Parked: %+v", got)
	}
}

var must = storesuite.Must

func parked(id, reason string) warehouse.Parked {
	return warehouse.Parked{
		ID: id, Message: warehouse.Message{ID: "m1", Type: "t", Body: []byte("\xff{")}, Reason: reason,
		ParkedAt: storesuite.Start,
	}
}
