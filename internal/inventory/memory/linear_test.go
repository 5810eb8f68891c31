package memory_test

import (
	"runtime"
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/lineartest"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

func TestInventoryIsLinearizable(t *testing.T) {
	shapes := map[string]lineartest.Shape{
		"ByProduct":   {Histories: 60, Clients: 8, Calls: 40},
		"WholeOrders": {Histories: 60, Clients: 4, Calls: 25, WholeOrders: true},
		"Split":       {Histories: 60, Clients: 8, Calls: 40, Contended: true},
		"SplitOrders": {Histories: 60, Clients: 4, Calls: 25, Contended: true, WholeOrders: true},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			lineartest.Run(t, shape, func(_ *testing.T, c clock.Clock) inventory.Store {
				s := memory.New(c)
				s.Guard(crowd{})
				return s
			})
		})
	}
}

// crowd yields at every step. Without it, most calls in memory would finish before the next one
// begins.
type crowd struct{ memdb.Open }

func (crowd) Look()       { runtime.Gosched() }
func (crowd) Find() error { runtime.Gosched(); return nil }
func (crowd) Commit(with commit.With, write func(commit.With) error) error {
	runtime.Gosched()
	return write(with)
}
