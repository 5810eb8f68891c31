package bench

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/dev/devstack"
)

// stuck is Step Functions with one execution, which entered a state at the start.
type stuck struct {
	status       types.ExecutionStatus
	error, cause *string
	began        time.Time
}

func (s stuck) DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (
	*sfn.DescribeExecutionOutput, error) {
	return &sfn.DescribeExecutionOutput{Status: s.status, Error: s.error, Cause: s.cause}, nil
}

func (s stuck) GetExecutionHistory(ctx context.Context, _ *sfn.GetExecutionHistoryInput, _ ...func(*sfn.Options)) (
	*sfn.GetExecutionHistoryOutput, error) {
	return &sfn.GetExecutionHistoryOutput{Events: []types.HistoryEvent{{Timestamp: &s.began},
		{Timestamp: &s.began, StateEnteredEventDetails: &types.StateEnteredEventDetails{Name: aws.String("Step1")}},
	}}, ctx.Err()
}

func TestFailedExecutionEndsTheMeasurementWithItsError(t *testing.T) {
	failed := stuck{types.ExecutionStatusFailed, aws.String("States.Timeout"), aws.String("no callback"), time.Now()}
	all, err := repeat(t.Context(), 20, nil, func(ctx context.Context, _ int) (round, error) {
		_, err := ended(ctx, failed, "bench-parent:1")
		return round{}, err
	})
	const want = "order 1: bench-parent:1 is FAILED in state Step1: States.Timeout: no callback"
	if err == nil || err.Error() != want || all != nil {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestExecutionThatHangsEndsTheMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		hangs := stuck{status: types.ExecutionStatusRunning, began: began}
		_, err := repeat(t.Context(), 20, nil, func(ctx context.Context, _ int) (round, error) {
			_, err := ended(ctx, hangs, "bench-parent:1")
			return round{}, err
		})
		const want = "order 1: bench-parent:1 has not ended, and is in state Step1: an order took more than 1m0s"
		if err == nil || err.Error() != want || time.Since(began) > maxRound {
			t.Errorf("%v after %s, want %s", err, time.Since(began), want)
		}
	})
}

func TestSlowRoundsEndWithTheBudgetAndReportProgress(t *testing.T) {
	for _, c := range []struct {
		each          time.Duration
		rounds, count int
		progress      string
	}{
		{time.Second, 1, 1, ""},
		{4 * time.Second, 5, 5, "  … 3 of 7 orders, 12.0 s so far\n  … 6 of 7 orders, 24.0 s so far\n"},
		{50 * time.Second, 1000, 3, "  … 4 of 1002 orders, 200.0 s so far\n"},
		{10 * time.Second, 1000, 17, "  … 18 of 1002 orders, 180.0 s so far\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var said bytes.Buffer
			all, err := repeat(t.Context(), c.rounds, devstack.NewReporter(&said),
				func(context.Context, int) (round, error) { time.Sleep(c.each); return round{}, nil })
			if err != nil || len(all) != c.count || !strings.HasSuffix(said.String(), c.progress) {
				t.Errorf("%d rounds of %s: counted %d, %v, said %.200q", c.rounds, c.each, len(all), err, said.String())
			}
		})
	}
}

func TestMeasurementEndsWhenItIsInterrupted(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(interrupted)
	_, err := ended(ctx, stuck{status: types.ExecutionStatusRunning, began: time.Now()}, "bench-bare:1")
	if !errors.Is(err, interrupted) {
		t.Errorf("%v", err)
	}
}
