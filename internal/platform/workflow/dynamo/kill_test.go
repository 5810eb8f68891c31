package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/dynamo"
)

// victim is the variable with the name of the table of a process that the test kills.
const victim = "ORDERFLOW_TEST_VICTIM"

func TestMain(m *testing.M) {
	if table := os.Getenv(victim); table != "" {
		drive(table)
		return
	}
	os.Exit(m.Run())
}

// executions is how many executions the processes drive to their end, each through three states.
const executions = 40

const threeStates = `{"QueryLanguage":"JSONata","StartAt":"First","TimeoutSeconds":600,"States":{
	"First":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":15,
		"Arguments":{"FunctionName":"work","Payload":{}},"Output":{},"Next":"Second"},
	"Second":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","TimeoutSeconds":120,
		"Arguments":{"FunctionName":"ask","Payload":"{% $states.context.Task.Token %}"},"Output":{},"Next":"Third"},
	"Third":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":15,
		"Arguments":{"FunctionName":"work","Payload":{}},"Output":{},"End":true}}}`

// drive is a process that starts all executions, unless they were started before, and drives them.
func drive(table string) {
	definition, err := asl.Parse([]byte(threeStates))
	if err != nil {
		panic(err)
	}
	var e *workflow.Engine
	e = workflow.New(workflow.Options{
		Machines: map[string]workflow.Machine{"machine": {Definition: definition}},
		Journal:  dynamo.Journal{Table: ddbtest.Existing(table, clock.System{})},
		Owner:    fmt.Sprint(os.Getpid()), Lease: time.Second / 4,
		Call: workflow.Blocking(func(ctx context.Context, function string, payload []byte) ([]byte, error) {
			var token string
			if function == "ask" && json.Unmarshal(payload, &token) == nil {
				err := error(workflow.ErrBusy)
				for err != nil && !errors.Is(err, workflow.ErrStaleToken) && ctx.Err() == nil {
					err = e.Succeed(ctx, token, json.RawMessage(`{}`)) // it may not have the lease for a moment
				}
				return nil, nil
			}
			return []byte(`{}`), clock.Sleep(ctx, time.Duration(rand.IntN(200))*time.Millisecond)
		}),
	})
	e.Run(context.Background(), func(ctx context.Context) {
		for n := range executions {
			for ctx.Err() == nil {
				err := e.Start(ctx, "machine", fmt.Sprint(n), json.RawMessage(`{}`))
				if err == nil || errors.Is(err, workflow.ErrExists) {
					break
				}
			}
		}
	})
}

// Six processes are killed one after the other, each while it drives; the seventh goes on to the
// end.
func TestAKilledProcessLosesNoExecution(t *testing.T) {
	t.Parallel()
	j := dynamo.Journal{Table: ddbtest.NewTable(t, clock.System{}, ddb.OpenIndex)}
	ended := func() bool {
		for i := range executions {
			x, err := j.Execution(t.Context(), "machine", fmt.Sprint(i))
			if err != nil || x.Status == workflow.Running {
				return false
			}
		}
		return true
	}
	for n := range 7 {
		process := exec.CommandContext(t.Context(), os.Args[0])
		process.Env = append(os.Environ(), victim+"="+j.Name)
		storesuite.Must(t, process.Start())
		drives := func() bool {
			l, err := j.Lease(t.Context())
			return err == nil && l.Owner == fmt.Sprint(process.Process.Pid)
		}
		await(t, drives)
		if n < 6 {
			time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		} else {
			await(t, ended)
		}
		storesuite.Must(t, process.Process.Kill())
		_ = process.Wait() // it was killed
	}
	for i := range executions {
		x, err := j.Execution(t.Context(), "machine", fmt.Sprint(i))
		storesuite.Must(t, err)
		var kinds []string
		for _, e := range x.History {
			if strings.HasSuffix(e.Kind, "Entered") || strings.HasPrefix(e.Kind, "Execution") {
				kinds = append(kinds, e.Kind+e.State)
			}
		}
		const want = "ExecutionStarted TaskStateEnteredFirst TaskStateEnteredSecond TaskStateEnteredThird " +
			"ExecutionSucceeded"
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("%d: %s", i, got)
		}
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for range 3000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it takes too long")
}
