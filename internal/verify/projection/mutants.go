package projection

import (
	"context"
	"strconv"

	"orderflow/internal/reporting"
	"orderflow/internal/verify/interleave"
)

// Mutant is a deliberate defect, inserted where the use cases are wired. Records changes the log.
type Mutant struct {
	Name    string
	Store   func(reporting.Store) reporting.Store
	Records func([]reporting.Record)
	// Reads is the store of a reader during a rebuild.
	Reads func(reporting.Store) reporting.Store
	// Rebuild says that only a run with a rebuild finds it. Simulated says that the simulation
	// finds it, too: some need a coincidence, others are caught by a second condition.
	Rebuild, Simulated bool
	// Slow says that finding it takes seconds: tests leave it to `dev prove --mutants`.
	Slow bool
}

// Defects are the mutants for interleave.Hunt.
func Defects() (all []interleave.Defect) {
	for _, m := range Mutants {
		all = append(all, interleave.Defect{Name: m.Name, Find: func() (string, int) {
			r := m.search()
			return r.Broken, r.Runs
		}})
	}
	return all
}

func (m *Mutant) search() interleave.Report {
	return Search(Options{
		Bounds: interleave.Bounds{Switches: 1, Faults: 1}, Rebuild: m.Rebuild, Reader: m.Reads != nil, Mutant: m,
	})
}

// Mutants are all defects that the search must find.
var Mutants = []Mutant{
	{Name: "rows are added before the transaction", Simulated: true, Store: func(s reporting.Store) reporting.Store {
		return applied{s, func(ctx context.Context, w reporting.Write) error {
			rows := w
			rows.To, rows.Facts, rows.Parked = w.From, nil, nil
			if err := s.Apply(ctx, rows); err != nil {
				return err
			}
			w.Rows = nil
			return s.Apply(ctx, w)
		}}
	}},
	{Name: "the offset is written after the transaction", Store: func(s reporting.Store) reporting.Store {
		return applied{s, func(ctx context.Context, w reporting.Write) error {
			rest, offset := w, reporting.Write{Generation: w.Generation, Source: w.Source, From: w.From, To: w.To}
			rest.To = w.From
			if err := s.Apply(ctx, rest); err != nil {
				return err
			}
			return s.Apply(ctx, offset)
		}}
	}},
	{Name: "the offset is not a condition", Store: func(s reporting.Store) reporting.Store {
		return applied{s, func(ctx context.Context, w reporting.Write) error {
			p, err := s.Progress(ctx, w.Generation, w.Source)
			if err != nil {
				return err
			}
			w.From = p.Next
			return s.Apply(ctx, w)
		}}
	}},
	{Name: "the version of an order's facts is not a condition", Store: func(s reporting.Store) reporting.Store {
		return applied{s, func(ctx context.Context, w reporting.Write) error {
			for i, f := range w.Facts {
				stored, err := s.Facts(ctx, w.Generation, []string{f.OrderID})
				if err != nil {
					return err
				}
				w.Facts[i].Version = stored[f.OrderID].Version + 1
			}
			return s.Apply(ctx, w)
		}}
	}},
	{Name: "a generation that does not serve any more is not closed", Rebuild: true, Slow: true,
		Store: func(s reporting.Store) reporting.Store { return open{s} }},
	{Name: "a generation serves as soon as it is built", Rebuild: true, Slow: true,
		Store: func(s reporting.Store) reporting.Store { return hasty{s} }},
	{Name: "a switch does not see a partition that is new", Rebuild: true, Slow: true,
		Store: func(s reporting.Store) reporting.Store { return blind{s} }},
	{Name: "a reader does not look again whether its generation still serves",
		Reads: func(s reporting.Store) reporting.Store { return &once{Store: s} }},
	{Name: "facts are merged by arrival, not by version", Records: func(records []reporting.Record) {
		for i, r := range records {
			r.Headers["ce_aggregateversion"] = strconv.Itoa(i + 1)
		}
	}},
	{Name: "a refund counts without a confirmation", Simulated: true,
		Store: func(s reporting.Store) reporting.Store {
			return applied{s, func(ctx context.Context, w reporting.Write) error {
				for _, f := range w.Facts {
					if f.Ended == nil || f.Ended.Status != reporting.Confirmed {
						for _, r := range f.Refunds {
							day, of := reporting.Day(r.At), r.Sum.Currency
							w.Rows.Add(reporting.Sales, day, of, reporting.Refunds, r.Sum.Amount)
						}
					}
				}
				return s.Apply(ctx, w)
			}}
		}},
	{Name: "a record that cannot be understood is dropped", Simulated: true,
		Store: func(s reporting.Store) reporting.Store {
			return applied{s, func(ctx context.Context, w reporting.Write) error {
				w.Parked = nil
				return s.Apply(ctx, w)
			}}
		}},
}

// once reads only once which generation is current.
type once struct {
	reporting.Store
	found *reporting.Generations
}

// Generations is part of reporting.Store.
func (o *once) Generations(ctx context.Context) (reporting.Generations, error) {
	if o.found == nil {
		g, err := o.Store.Generations(ctx)
		if err != nil {
			return g, err
		}
		o.found = &g
	}
	return *o.found, nil
}

// applied applies writes in another way.
type applied struct {
	reporting.Store
	apply func(ctx context.Context, w reporting.Write) error
}

// Apply is part of reporting.Store.
func (a applied) Apply(ctx context.Context, w reporting.Write) error { return a.apply(ctx, w) }

// open switches to a generation without closing the previous one.
type open struct{ reporting.Store }

// Switch is part of reporting.Store.
func (o open) Switch(ctx context.Context, g reporting.Generations, _ int64, _ []reporting.Progress) error {
	return o.SaveGenerations(ctx, g)
}

// blind switches to a generation even if the generations have changed since they were read.
type blind struct{ reporting.Store }

// Switch is part of reporting.Store.
func (b blind) Switch(ctx context.Context, g reporting.Generations, closing int64, seen []reporting.Progress) error {
	now, err := b.Generations(ctx)
	if err != nil {
		return err
	}
	g.Version = now.Version + 1
	return b.Store.Switch(ctx, g, closing, seen)
}

// hasty switches to a generation even if the previous one includes more by then.
type hasty struct{ reporting.Store }

// Switch is part of reporting.Store.
func (h hasty) Switch(ctx context.Context, g reporting.Generations, closing int64, seen []reporting.Progress) error {
	for i, p := range seen {
		now, err := h.Progress(ctx, closing, p.Source)
		if err != nil {
			return err
		}
		seen[i] = now
	}
	return h.Store.Switch(ctx, g, closing, seen)
}
