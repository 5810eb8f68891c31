package chaos

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/platform/clock"
)

// stopsOfOne is the most stops per order. Recovery leaves the order to an operator after the fifth.
const stopsOfOne = 3

// machines are the state machines of the saga.
func (r *run) machines() []string {
	return []string{r.stack.Outputs["FulfilOrderArn"], r.stack.Outputs["CompensateOrderArn"]}
}

// stop stops executions, one at a time, until ctx ends.
func (r *run) stop(ctx context.Context) error {
	random := r.rand(3)
	client := sfn.NewFromConfig(r.stack.Config())
	every := r.Over / time.Duration(r.Stops*2+1)
	for clock.Sleep(ctx, time.Duration(random.Int64N(int64(2*every)))) == nil {
		running, err := executions(ctx, client, r.machines()[random.IntN(2)])
		if err != nil || len(running) == 0 {
			continue // try again next time
		}
		victim := running[random.IntN(len(running))]
		order, _, _ := strings.Cut(aws.ToString(victim.Name), "-")
		r.lock.Lock()
		often := r.stops[order] >= stopsOfOne
		r.lock.Unlock()
		if often {
			continue
		}
		_, err = client.StopExecution(ctx,
			&sfn.StopExecutionInput{ExecutionArn: victim.ExecutionArn, Cause: aws.String("chaos")})
		if err != nil {
			continue // it has already ended
		}
		r.lock.Lock()
		r.stops[order]++
		r.lock.Unlock()
	}
	return nil
}

// executions returns the running executions of a machine.
func executions(ctx context.Context, client *sfn.Client, machine string) ([]types.ExecutionListItem, error) {
	var all []types.ExecutionListItem
	pages := sfn.NewListExecutionsPaginator(client, &sfn.ListExecutionsInput{
		StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		all = append(all, page.Executions...)
	}
	return all, nil
}
