package chaos

import (
	"context"
	"strings"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
)

// kill kills processes of functions, one at a time, until ctx ends: nearly always a busy one, which
// does the most damage. It only kills functions of this emulator.
func (r *run) kill(ctx context.Context) error {
	random := r.rand(2)
	every := r.Over / time.Duration(r.Kills*3/2+1)
	for clock.Sleep(ctx, time.Duration(random.Int64N(int64(2*every)))) == nil {
		processes, err := r.stack.Emulator.Functions()
		if err != nil {
			return err
		}
		if len(processes) == 0 {
			continue
		}
		candidates, busy := processes, false
		if atWork := working(ctx, processes); len(atWork) > 0 && random.IntN(10) > 0 {
			candidates, busy = atWork, true
		}
		victim := candidates[random.IntN(len(candidates))]
		killed, err := victim.Kill()
		if err != nil {
			return err
		}
		if killed {
			r.lock.Lock()
			r.kills[strings.TrimPrefix(strings.TrimPrefix(victim.Function, "orderflow-"), "local-")]++
			if busy {
				r.atWork++
			}
			r.lock.Unlock()
		}
	}
	return nil
}

// working returns the processes that are busy now.
func working(ctx context.Context, processes []devstack.FunctionProcess) []devstack.FunctionProcess {
	before := make([]int64, len(processes))
	for i, p := range processes {
		before[i] = p.Worked()
	}
	_ = clock.Sleep(ctx, 5*time.Millisecond)
	var busy []devstack.FunctionProcess
	for i, p := range processes {
		if p.Worked() > before[i] {
			busy = append(busy, p)
		}
	}
	return busy
}
