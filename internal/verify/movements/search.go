// Package movements searches all runs between a message of the warehouse and its effect in
// inventory for one in which the effect is missing or happens twice.
//
// The use cases of warehouse and its store are real. Inventory is a model: it remembers the key of
// an adjustment for 24 hours, and refuses a product that it does not know. A run is one message,
// which is received twice at the same time, or once and followed by a number of events in any
// order: two deliveries of its movement at the same time, the arrival of the product from the
// catalog, the passing of a minute or of most of a day. Writes fail, their answers are lost, or the
// process ends after them; a call to inventory has no answer and takes effect at once, within a
// minute, or never.
package movements

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/verify/interleave"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
	"orderflow/internal/warehouse/memory"
)

// Options bound the runs. Mutant is a defect to insert, or nil.
type Options struct {
	interleave.Bounds
	Events int
	Mutant *Mutant
}

// Search searches all runs.
func Search(o Options) interleave.Report {
	return interleave.Search(o.Bounds, time.Now, func(r *interleave.Run) error {
		return newWorld(r, o).run(o.Events)
	})
}

const (
	sku      = "TEA"
	quantity = 5
)

var (
	begin   = time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)
	message = warehouse.Message{
		ID: "m1", Type: contract.GoodsReceivedMessage,
		Body: []byte(`{"sku":"TEA","quantity":5,"by":"W-7","reference":"D-1"}`),
	}
)

type world struct {
	*interleave.Run
	clock     *clock.Manual
	store     *memory.Store
	service   *warehouse.Service
	inventory *inventory
}

func newWorld(r *interleave.Run, o Options) *world {
	w := &world{Run: r, clock: clock.At(begin)}
	w.store = memory.New(w.clock)
	w.store.Guard(r)
	w.inventory = &inventory{w: w, keys: map[string]time.Time{}}
	var store warehouse.Store = w.store
	var stock warehouse.Inventory = w.inventory
	if o.Mutant != nil && o.Mutant.Store != nil {
		store = o.Mutant.Store(store)
	}
	if o.Mutant != nil && o.Mutant.Inventory != nil {
		stock = o.Mutant.Inventory(stock)
	}
	w.service = warehouse.New(store, nil, stock, w.clock, &ids.Sequence{})
	return w
}

// inventory is a model of inventory's API.
type inventory struct {
	w      *world
	knows  bool // the product
	onHand int
	keys   map[string]time.Time // when an adjustment with this key was made
	late   []warehouse.Adjustment
}

// Adjust implements warehouse.Inventory.
func (i *inventory) Adjust(_ context.Context, a warehouse.Adjustment) error {
	i.w.Point()
	switch i.w.Fault(3) {
	case 1:
		i.w.Did("inventory takes it, but the answer is lost: %v", i.take(a))
		return interleave.ErrNoAnswer
	case 2:
		i.w.Did("inventory will take it later")
		i.late = append(i.late, a)
		return interleave.ErrNoAnswer
	case 3:
		i.w.Did("inventory never gets it")
		return interleave.ErrNoAnswer
	}
	return i.take(a)
}

func (i *inventory) take(a warehouse.Adjustment) error {
	at, known := i.keys[a.Key]
	switch {
	case known && i.w.clock.Now().Sub(at) < idempotency.Retention:
		return nil
	case !i.knows:
		return warehouse.ErrRefused
	}
	i.keys[a.Key] = i.w.clock.Now()
	i.onHand += a.Delta
	i.w.Did("inventory has %d", i.onHand)
	return nil
}

// deliver lets the late calls take effect.
func (i *inventory) deliver() {
	for _, a := range i.late {
		i.w.Did("inventory takes a late call: %v", i.take(a))
	}
	i.late = nil
}

func (w *world) receive() error {
	parked, err := w.service.Receive(context.Background(), message)
	if parked {
		return errors.New("a good message is parked")
	}
	return err
}

func (w *world) adjust() error { return w.service.AdjustStock(context.Background(), message.ID) }

// together runs a function twice at the same time.
func (w *world) together(name string, do func() error) {
	w.Go("first "+name, do)
	w.Go("second "+name, do)
	w.Wait()
}

// run runs events in any order, then checks the promises.
func (w *world) run(events int) error {
	if w.Pick(2) == 0 {
		w.together("delivery of the message", w.receive)
		return w.check()
	}
	if err := w.receive(); err != nil {
		return err
	}
	for range events {
		w.event()
	}
	return w.check()
}

func (w *world) event() {
	all := []func(){
		func() { w.together("delivery of the movement", w.adjust) },
		func() { w.pass(time.Minute) },
		func() { w.pass(22 * time.Hour) },
	}
	if !w.inventory.knows {
		all = append(all, func() { w.Did("inventory knows the product"); w.inventory.knows = true })
	}
	if len(w.inventory.late) > 0 {
		all = append(all, w.inventory.deliver)
	}
	all[w.Pick(len(all))]()
}

// pass lets time pass. A call is late by less than a minute.
func (w *world) pass(d time.Duration) {
	w.inventory.deliver()
	w.clock.Advance(d)
	w.Did("%s pass", d)
}

// check delivers everything again until it is handled, without faults.
func (w *world) check() error {
	w.Quiet()
	if err := w.receive(); err != nil {
		return fmt.Errorf("a message that is delivered again is handled: %w", err)
	}
	w.pass(time.Minute)
	w.inventory.knows = true
	err := w.adjust()
	m, lost := w.store.Movement(context.Background(), message.ID)
	switch made := w.inventory.onHand / quantity; {
	case lost != nil:
		return fmt.Errorf("a received message has a movement: %w", lost)
	case made > 1:
		return fmt.Errorf("a movement takes effect once, not %d times", made)
	case errors.Is(err, warehouse.ErrOutcomeUnknown):
		return nil // an operator decides
	case err != nil:
		return fmt.Errorf("a movement is carried out in the end: %w", err)
	case made != 1 || !m.Applied:
		return fmt.Errorf("a movement that counts as carried out took effect %d times", made)
	}
	if waiting, err := w.store.Outbox(context.Background()); err != nil || len(waiting) != 1 {
		return fmt.Errorf("a message makes one event, not %d", len(waiting))
	}
	return nil
}

// Prove searches and writes the result. ok is false if a run broke a promise.
func Prove(out io.Writer) (ok bool) {
	fmt.Fprintln(out, "\na message of the warehouse and its effect in inventory")
	r := Search(Options{Bounds: interleave.Bounds{Switches: 2, Faults: 1}, Events: 4})
	r.Print(out)
	return r.Broken == ""
}
