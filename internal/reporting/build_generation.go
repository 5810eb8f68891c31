package reporting

import (
	"context"
	"time"
)

// Build reads the log into the generation that is being built, for less than a minute. When it has
// caught up, the generation serves. Build returns the state of the rebuild: while that is
// BUILDING, it must be called again.
func (s *Rebuilds) Build(ctx context.Context, generation int64) (State, error) {
	until := s.clock.Now().Add(step)
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
		// It need not have read all of the log, only all that the serving generation includes. In a
		// busy shop the end of the log is never reached.
		if err = s.round(ctx, generation); err == nil {
			err = s.finish(ctx, generation)
		}
		if err == nil || !again(err) {
			return s.stateNow(ctx, err)
		}
		if !s.clock.Now().Before(until) {
			break
		}
	}
	return s.stateNow(ctx, nil)
}

func (s *Rebuilds) stateNow(ctx context.Context, err error) (State, error) {
	if err != nil {
		return "", err
	}
	r, err := s.Rebuild(ctx)
	return r.State, err
}

// round reads some records of each source.
func (s *Rebuilds) round(ctx context.Context, generation int64) error {
	partitions, err := s.log.Partitions(ctx)
	if err != nil {
		return err
	}
	var included, total int64
	for _, p := range partitions {
		source := Source{p.Topic, p.Partition}
		progress, err := s.store.Progress(ctx, generation, source)
		if err != nil {
			return err
		}
		records, err := s.log.Read(ctx, p.Topic, p.Partition, progress.Next, recordsAtOnce)
		switch {
		case err != nil:
			return err
		case len(records) > 0:
			err = s.project(ctx, generation, source, records)
			progress.Next = records[len(records)-1].Offset + 1
		case progress.Next < p.First: // nothing of it is left
			err = s.skip(ctx, generation, progress, p.First)
			progress.Next = p.First
		}
		if err != nil {
			return err
		}
		included += max(progress.Next-p.First, 0)
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
	return err
}

// skip notes that all records of a source before an offset have left the log.
func (s *Rebuilds) skip(ctx context.Context, generation int64, from Progress, to int64) error {
	if err := s.missing(ctx, generation, s.clock.Now()); err != nil {
		return err
	}
	w := Write{Generation: generation, Source: from.Source, From: from.Next, To: to}
	return s.store.Apply(ctx, w)
}

// finish makes the new generation serve if it includes all records that the serving one includes.
// Else, or if the serving one includes more by then, it fails with ErrOvertaken.
func (s *Rebuilds) finish(ctx context.Context, generation int64) error {
	g, err := s.store.Generations(ctx)
	if err != nil {
		return err
	}
	if g.Rebuild == nil || g.Rebuild.Generation != generation || g.Rebuild.State != Building {
		return nil
	}
	partitions, err := s.log.Partitions(ctx)
	if err != nil {
		return err
	}
	var seen []Progress
	for _, p := range partitions {
		source := Source{p.Topic, p.Partition}
		serving, err := s.store.Progress(ctx, g.Serving, source)
		if err != nil {
			return err
		}
		building, err := s.store.Progress(ctx, generation, source)
		if err != nil {
			return err
		}
		if building.Next < serving.Next {
			return ErrOvertaken
		}
		seen = append(seen, serving)
	}
	closing, r := g.Serving, *g.Rebuild
	r.State, r.UpdatedAt = Switched, s.clock.Now()
	g.Serving, g.Since, g.Rebuild = generation, r.Since, &r
	g.Version++
	return s.store.Switch(ctx, g, closing, seen)
}

// missing notes that a generation lacks the records before a time, since the log no longer has
// them.
func (s *Service) missing(ctx context.Context, generation int64, before time.Time) error {
	_, err := s.change(ctx, func(g *Generations) error {
		if g.Serving == generation && g.Since.Before(before) {
			g.Since = before.UTC()
		}
		if r := g.Rebuild; r != nil && r.Generation == generation && r.Since.Before(before) {
			r.Since = before.UTC()
		}
		return nil
	})
	return err
}
