package memory

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/reporting"
)

// Store implements reporting.Store.
type Store struct {
	*memdb.Log
	generations *memdb.Items[reporting.Generations]
	kept        map[int64]*generation
}

// generation is the data of one generation.
type generation struct {
	progress map[reporting.Source]reporting.Progress
	facts    map[string]reporting.Facts
	rows     reporting.Rows
	parked   []reporting.Parked
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, generations: memdb.NewItems[reporting.Generations](log, "generations", nil),
		kept: map[int64]*generation{},
	}
}

func (s *Store) of(n int64) *generation {
	if s.kept[n] == nil {
		s.kept[n] = &generation{
			progress: map[reporting.Source]reporting.Progress{}, facts: map[string]reporting.Facts{},
			rows: reporting.Rows{},
		}
	}
	return s.kept[n]
}

func (g *generation) read(of reporting.Source) reporting.Progress {
	p := g.progress[of]
	p.Source = of
	return p
}

func (s *Store) now() reporting.Generations {
	if g, saved := s.generations.Find(""); saved {
		return g
	}
	return reporting.Generations{Serving: 1}
}

// Generations returns the generations.
func (s *Store) Generations(context.Context) (g reporting.Generations, err error) {
	s.View(func() { g = s.now() })
	return g, nil
}

// SaveGenerations writes the generations.
func (s *Store) SaveGenerations(_ context.Context, g reporting.Generations) error {
	return s.Commit(commit.With{}, func() error { return s.next(g) })
}

func (s *Store) next(g reporting.Generations) error {
	if s.now().Version != g.Version-1 {
		return reporting.ErrOvertaken
	}
	s.generations.Save("", g)
	return nil
}

// Switch writes the generations, and closes one.
func (s *Store) Switch(
	_ context.Context, g reporting.Generations, closing int64, seen []reporting.Progress,
) error {
	return s.Commit(commit.With{}, func() error {
		for _, p := range seen {
			if now := s.of(closing).read(p.Source); now.Next != p.Next || now.Closed {
				return reporting.ErrOvertaken
			}
		}
		if err := s.next(g); err != nil {
			return err
		}
		for _, p := range seen {
			p.Closed = true
			s.of(closing).progress[p.Source] = p
		}
		return nil
	})
}

// Progress returns how far a generation has read a source.
func (s *Store) Progress(
	_ context.Context, generation int64, of reporting.Source,
) (p reporting.Progress, err error) {
	s.View(func() { p = s.of(generation).read(of) })
	return p, nil
}

// Sources returns how far a generation has read its sources.
func (s *Store) Sources(_ context.Context, generation int64) (all []reporting.Progress, err error) {
	s.View(func() { all = slices.Collect(maps.Values(s.of(generation).progress)) })
	slices.SortFunc(all, func(a, b reporting.Progress) int { return a.Compare(b.Source) })
	return all, nil
}

// Facts returns the facts of orders.
func (s *Store) Facts(
	_ context.Context, generation int64, orderIDs []string,
) (map[string]reporting.Facts, error) {
	found := map[string]reporting.Facts{}
	s.View(func() {
		for _, id := range orderIDs {
			if f, known := s.of(generation).facts[id]; known {
				found[id] = f
			}
		}
	})
	return found, nil
}

// Apply writes the effect of records.
func (s *Store) Apply(_ context.Context, w reporting.Write) error {
	if len(w.Facts)+len(w.Rows)+len(w.Parked) > reporting.MaxActions {
		return reporting.ErrUnstorable
	}
	return s.Commit(commit.With{}, func() error {
		g, now := s.of(w.Generation), s.now()
		newest := now.Rebuild != nil && now.Rebuild.Generation == w.Generation
		switch p := g.read(w.Source); {
		case p.Closed, p.Next == 0 && (w.From > 0 || now.Serving != w.Generation && !newest):
			return reporting.ErrClosed
		case p.Next != w.From:
			return reporting.ErrOvertaken
		}
		for _, f := range w.Facts {
			if g.facts[f.OrderID].Version != f.Version-1 {
				return reporting.ErrOvertaken
			}
		}
		g.write(w)
		if w.From == 0 {
			now.Version++
			s.generations.Save("", now)
		}
		return nil
	})
}

func (g *generation) write(w reporting.Write) {
	g.progress[w.Source] = reporting.Progress{Source: w.Source, Next: w.To, At: w.At}
	for _, f := range w.Facts {
		g.facts[f.OrderID] = f
	}
	g.parked = append(g.parked, w.Parked...)
	for id, amounts := range w.Rows {
		for name, amount := range amounts {
			g.rows.Add(id.Report, id.Day, id.Of, name, amount)
		}
	}
}

// ReadRows returns rows.
func (s *Store) ReadRows(
	_ context.Context, generation int64, r reporting.Range, after reporting.RowID, most int,
) (found []reporting.Row, err error) {
	s.View(func() {
		for id, amounts := range s.of(generation).rows {
			if id.Report == r.Report && r.From <= id.Day && id.Day <= r.To && id.Compare(after) > 0 {
				found = append(found, reporting.Row{RowID: id, Amounts: maps.Clone(amounts)})
			}
		}
	})
	slices.SortFunc(found, func(a, b reporting.Row) int { return a.Compare(b.RowID) })
	return found[:min(most, len(found))], nil
}

// All returns all rows of a generation.
func (s *Store) All(generation int64) reporting.Rows {
	all := reporting.Rows{}
	s.View(func() {
		for id, amounts := range s.of(generation).rows {
			all[id] = maps.Clone(amounts)
		}
	})
	return all
}

// ReadParked returns a page of the parked records of a generation. A cursor has the generation and
// the key of the last record of the previous page.
func (s *Store) ReadParked(
	_ context.Context, generation int64, limit int, cursor string,
) (page []reporting.Parked, next string, err error) {
	page = s.AllParked(generation)
	slices.Reverse(page)
	prefix := fmt.Sprintf("G%d#", generation)
	if cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		last, own := strings.CutPrefix(string(b), prefix)
		if err != nil || !own {
			return nil, "", fault.ErrCursor
		}
		page = slices.DeleteFunc(page, func(p reporting.Parked) bool { return parkedKey(p) >= last })
	}
	if len(page) > limit {
		page = page[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(prefix + parkedKey(page[limit-1])))
	}
	return page, next, nil
}

// AllParked returns all parked records of a generation, the oldest first.
func (s *Store) AllParked(generation int64) (all []reporting.Parked) {
	s.View(func() { all = slices.Clone(s.of(generation).parked) })
	slices.SortFunc(all, func(a, b reporting.Parked) int { return cmp.Compare(parkedKey(a), parkedKey(b)) })
	return all
}

func parkedKey(p reporting.Parked) string {
	at := p.At.UTC().Format("2006-01-02T15:04:05.000000000")
	return fmt.Sprintf("%s#%s#%05d#%019d", at, p.Topic, p.Partition, p.Offset)
}

// Remove deletes a generation.
func (s *Store) Remove(_ context.Context, n int64) (more bool, err error) {
	return false, s.Commit(commit.With{}, func() error {
		delete(s.kept, n)
		return nil
	})
}
