package chaos

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
)

// killProcesses kills processes of functions, one at a time, until ctx ends: nearly always a busy
// one, which does the most damage. It only kills functions of this emulator.
func (r *run) killProcesses(ctx context.Context) error {
	random := r.rand(2)
	every := r.Over / time.Duration(r.Kills*3/2+1)
	for clock.Sleep(ctx, time.Duration(random.Int64N(int64(2*every)))) == nil {
		candidates, err := r.stack.Emulator.Functions()
		if err != nil {
			return err
		}
		if len(candidates) == 0 {
			continue
		}
		busy := busyOnes(ctx, candidates)
		killsBusy := len(busy) > 0 && random.IntN(10) > 0
		if killsBusy {
			candidates = busy
		}
		victim := candidates[random.IntN(len(candidates))]
		killed, err := victim.Kill()
		if err != nil {
			return err
		}
		if killed {
			r.locked(func() {
				r.kills[strings.TrimPrefix(strings.TrimPrefix(victim.Function, "orderflow-"), "local-")]++
				if killsBusy {
					r.busyKills++
				}
			})
		}
	}
	return nil
}

func busyOnes(ctx context.Context, processes []devstack.FunctionProcess) (busy []devstack.FunctionProcess) {
	before := make([]int64, len(processes))
	for i, p := range processes {
		before[i] = p.Worked()
	}
	_ = clock.Sleep(ctx, 5*time.Millisecond)
	for i, p := range processes {
		if p.Worked() > before[i] {
			busy = append(busy, p)
		}
	}
	return busy
}

// maxStops is the most stops per order. Recovery leaves the order to an operator after the fifth.
const maxStops = 3

// machines are the state machines of the saga.
func (r *run) machines() []string {
	return []string{r.stack.Outputs["FulfilOrderArn"], r.stack.Outputs["CompensateOrderArn"]}
}

// stopExecutions stops executions, one at a time, until ctx ends. An execution that cannot be
// stopped has ended.
func (r *run) stopExecutions(ctx context.Context) error {
	random := r.rand(3)
	every := r.Over / time.Duration(r.Stops*2+1)
	for clock.Sleep(ctx, time.Duration(random.Int64N(int64(2*every)))) == nil {
		running, err := r.executions(ctx, r.machines()[random.IntN(2)])
		if err != nil || len(running) == 0 {
			continue // try again next time
		}
		victim := running[random.IntN(len(running))]
		order, _, _ := strings.Cut(aws.ToString(victim.Name), "-") // then a number, if any
		if r.stops[order] >= maxStops {                            // only this actor writes it
			continue
		}
		if _, err := sfn.NewFromConfig(r.stack.Config()).StopExecution(ctx,
			&sfn.StopExecutionInput{ExecutionArn: victim.ExecutionArn, Cause: aws.String("chaos")}); err == nil {
			r.locked(func() { r.stops[order]++ })
		}
	}
	return nil
}

// executions returns the running executions of state machines.
func (r *run) executions(ctx context.Context, machines ...string) (all []types.ExecutionListItem, err error) {
	for _, machine := range machines {
		pages := sfn.NewListExecutionsPaginator(sfn.NewFromConfig(r.stack.Config()), &sfn.ListExecutionsInput{
			StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, page.Executions...)
		}
	}
	return all, nil
}
