package reporting

import "context"

// RemoveOld removes the generations before the current one, for less than a minute. While more is
// true, it must be called again.
func (s *Rebuilds) RemoveOld(ctx context.Context) (more bool, err error) {
	until := s.clock.Now().Add(step)
	for range rounds {
		g, err := s.store.Generations(ctx)
		switch {
		case err != nil:
			return false, err
		case g.Rebuild == nil || g.Rebuild.State != Switched:
			return false, nil
		}
		old := g.Removed + 1
		if old < g.Serving {
			if more, err = s.store.Remove(ctx, old); err != nil {
				return false, err
			}
		}
		if !more {
			if err := s.removed(ctx, old); err != nil {
				return false, err
			}
		}
		if !s.clock.Now().Before(until) {
			break
		}
	}
	return true, nil
}

// removed records that a generation was removed or, if it is the current one, that all others were.
func (s *Rebuilds) removed(ctx context.Context, generation int64) error {
	_, err := s.change(ctx, func(g *Generations) error {
		switch {
		case g.Rebuild == nil || g.Rebuild.State != Switched:
		case generation >= g.Serving:
			g.Rebuild.State, g.Rebuild.UpdatedAt = Done, s.clock.Now()
		default:
			g.Removed = max(g.Removed, generation)
			g.Rebuild.UpdatedAt = s.clock.Now()
		}
		return nil
	})
	return err
}
