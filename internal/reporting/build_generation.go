package reporting

import (
	"context"
	"time"
)

// Build reads the log into the new generation, for less than a minute. When the generation has
// caught up, it becomes the current one. Build returns the state of the rebuild: while that is
// BUILDING, it must be called again.
//
// A generation has caught up if it includes everything that the log had when Build was called, and
// everything that the current generation includes. The second condition is not enough: the current
// generation may be new and empty, or lack records that its projection gave up on. Nor can it wait
// for the end of the log, which is never reached in a busy shop.
func (s *Rebuilds) Build(ctx context.Context, generation int64) (State, error) {
	until := s.clock.Now().Add(step)
	goal, err := s.log.Partitions(ctx)
	if err != nil {
		return "", err
	}
	for range rounds {
		g, err := s.store.Generations(ctx)
		switch {
		case err != nil:
			return "", err
		case g.Rebuild == nil || g.Rebuild.Generation != generation:
			return Stopped, nil // another rebuild was begun
		case g.Rebuild.State != Building:
			return g.Rebuild.State, nil
		}
		if err = s.round(ctx, g.Serving, generation, goal, until); err != nil && !again(err) {
			return "", err
		}
		if !s.clock.Now().Before(until) {
			break
		}
	}
	r, err := s.Rebuild(ctx)
	return r.State, err
}

// round reads some records of each source into the new generation, until a time, and switches to it
// if it has caught up.
func (s *Rebuilds) round(ctx context.Context, serving, generation int64, goal []Partition, until time.Time) error {
	before, err := s.offsets(ctx, serving) // none is beyond the log's end, unless its topic was deleted
	if err != nil {
		return err
	}
	partitions, err := s.log.Partitions(ctx)
	if err != nil {
		return err
	}
	built, err := s.offsets(ctx, generation)
	if err != nil {
		return err
	}
	var included, total int64
	ends := map[Source]int64{}
	for _, p := range partitions {
		source := Source{p.Topic, p.Partition}
		next := built[source]
		if s.clock.Now().Before(until) {
			if next, err = s.read(ctx, generation, p, next); err != nil {
				return err
			}
		}
		built[source], ends[source] = next, p.End
		included += max(next-p.First, 0)
		total += p.End - p.First
	}
	_, err = s.change(ctx, func(g *Generations) error {
		r := g.Rebuild
		if r == nil || r.Generation != generation || r.State != Building || r.Read == included && r.Total == total {
			return nil
		}
		r.Read, r.Total, r.UpdatedAt = included, total, s.clock.Now()
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range goal {
		if source := (Source{p.Topic, p.Partition}); built[source] < min(p.End, ends[source]) {
			return ErrOvertaken
		}
	}
	for source, next := range before {
		if next > ends[source] { // the topic was deleted, and perhaps recreated: the log has lost its records
			if err := s.missing(ctx, generation, s.clock.Now(), true); err != nil {
				return err
			}
			break
		}
	}
	return s.finish(ctx, generation, func(p Progress) bool {
		if end := ends[p.Source]; before[p.Source] > end {
			return built[p.Source] >= end
		}
		return built[p.Source] >= p.Next
	})
}

// offsets returns how far a generation has read, by source.
func (s *Service) offsets(ctx context.Context, generation int64) (map[Source]int64, error) {
	all, err := s.store.Sources(ctx, generation)
	next := map[Source]int64{}
	for _, p := range all {
		next[p.Source] = p.Next
	}
	return next, err
}

// read reads some records of a partition from an offset on. It returns the offset after them.
func (s *Rebuilds) read(ctx context.Context, generation int64, p Partition, from int64) (next int64, err error) {
	if from > p.End { // the topic was recreated since
		from = p.First
	}
	if from >= p.End { // a Read would wait for records
		return from, nil
	}
	source := Source{p.Topic, p.Partition}
	records, err := s.log.Read(ctx, p.Topic, p.Partition, from, recordsAtOnce)
	switch {
	case err != nil:
		return from, err
	case len(records) > 0:
		return records[len(records)-1].Offset + 1, s.project(ctx, generation, source, records)
	case from < p.First: // nothing of it is left
		if err := s.missing(ctx, generation, s.clock.Now(), false); err != nil {
			return from, err
		}
		w := Write{Generation: generation, Source: source, From: from, To: p.First}
		return p.First, s.store.Apply(ctx, w)
	}
	return from, nil
}

// finish switches to the new generation if it includes everything that the current one includes,
// for each source. Otherwise, or if the current one includes more by then, it fails with
// ErrOvertaken.
func (s *Rebuilds) finish(ctx context.Context, generation int64, caughtUp func(serving Progress) bool) error {
	g, err := s.store.Generations(ctx)
	if err != nil {
		return err
	}
	if g.Rebuild == nil || g.Rebuild.Generation != generation || g.Rebuild.State != Building {
		return nil
	}
	seen, err := s.store.Sources(ctx, g.Serving)
	if err != nil {
		return err
	}
	if len(seen) > MaxSources {
		return ErrTooManyPartitions
	}
	for _, p := range seen {
		if !caughtUp(p) {
			return ErrOvertaken
		}
	}
	closing, r := g.Serving, *g.Rebuild
	r.State, r.UpdatedAt = Switched, s.clock.Now()
	g.Serving, g.Since, g.Rebuild = generation, r.Since, &r
	g.Version++
	return s.store.Switch(ctx, g, closing, seen)
}

// missing records that a generation lacks the records before a time, since the log no longer has
// them. If a topic was recreated, later generations lack them, too, and cannot see that they
// existed.
func (s *Service) missing(ctx context.Context, generation int64, before time.Time, anew bool) error {
	_, err := s.change(ctx, func(g *Generations) error {
		if anew && g.Anew.Before(before) {
			g.Anew = before.UTC()
		}
		if g.Serving == generation && g.Since.Before(before) {
			g.Since = before.UTC()
		}
		if r := g.Rebuild; r != nil && (anew || r.Generation == generation) && r.Since.Before(before) {
			r.Since = before.UTC()
		}
		return nil
	})
	return err
}
