package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"orderflow/internal/platform/workflow"
)

// states answers the calls of Step Functions.
func (c *Cloud) states(r *http.Request, operation string, body []byte) (any, error) {
	var in struct{ StateMachineArn, ExecutionArn, Name, Input, Error, Cause, StatusFilter string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	ctx := r.Context()
	if operation == "StartExecution" {
		machine := c.own(in.StateMachineArn, ":stateMachine:")
		err := c.Engine.Start(ctx, machine, in.Name, json.RawMessage(in.Input))
		if errors.Is(err, workflow.ErrExists) {
			err = refuse("ExecutionAlreadyExists", "%s", in.Name)
		}
		arn := strings.Replace(in.StateMachineArn, ":stateMachine:", ":execution:", 1) + ":" + in.Name
		return map[string]any{"executionArn": arn, "startDate": seconds(c.Clock.Now())}, err
	}
	if operation == "ListExecutions" {
		return c.running(ctx, in.StateMachineArn, in.StatusFilter)
	}
	machine, name, _ := strings.Cut(c.own(in.ExecutionArn, ":execution:"), ":")
	if operation == "StopExecution" {
		err := c.Engine.Stop(ctx, machine, name, in.Error, in.Cause)
		return map[string]any{"stopDate": seconds(c.Clock.Now())}, absent(err)
	}
	x, err := c.Engine.Describe(ctx, machine, name)
	if err != nil {
		return nil, absent(err)
	}
	switch operation {
	case "DescribeExecution":
		out := map[string]any{"executionArn": in.ExecutionArn, "name": name, "status": x.Status,
			"stateMachineArn": MachineARN(c.Stack, machine), "startDate": seconds(x.Started), "input": string(x.Input)}
		if x.Status != workflow.Running {
			out["stopDate"], out["output"] = seconds(x.Ended), string(x.Output)
			out["error"], out["cause"] = x.Error, x.Cause
		}
		return out, nil
	case "GetExecutionHistory":
		all := make([]map[string]any, len(x.History))
		for i, e := range x.History {
			all[i] = event(i+1, e, c.Engine.Timeout(machine, e.State))
		}
		return map[string]any{"events": all}, nil
	}
	return nil, unavailable(operation)
}

// running lists the running executions of a machine. Ended ones are not listed.
func (c *Cloud) running(ctx context.Context, arn, status string) (any, error) {
	if status != string(workflow.Running) {
		return nil, unavailable("a list of " + status + " executions")
	}
	open, err := c.Engine.Open(ctx)
	all := []map[string]any{}
	for _, x := range open {
		if x.Status == workflow.Running && x.Machine == c.own(arn, ":stateMachine:") {
			all = append(all, map[string]any{"name": x.Name, "status": x.Status, "stateMachineArn": arn,
				"executionArn": strings.Replace(arn, ":stateMachine:", ":execution:", 1) + ":" + x.Name,
				"startDate":    seconds(x.Started)})
		}
	}
	return map[string]any{"executions": all}, err
}

// own returns the part of an ARN after the stack's prefix.
func (c *Cloud) own(arn, kind string) string {
	_, name, _ := strings.Cut(arn, kind)
	return strings.TrimPrefix(name, c.Stack+"-")
}

func absent(err error) error {
	if errors.Is(err, workflow.ErrNone) {
		return refuse("ExecutionDoesNotExist", "there is no such execution")
	}
	return err
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// event returns an event of a history in the format of Step Functions. timeout is that of its
// state.
func event(id int, e workflow.Event, timeout time.Duration) map[string]any {
	out := map[string]any{
		"id": id, "previousEventId": id - 1, "timestamp": seconds(e.At), "type": e.Kind,
	}
	details := map[string]any{}
	kind := e.Kind
	switch {
	case strings.HasSuffix(kind, "StateEntered"), strings.HasSuffix(kind, "StateExited"):
		kind = kind[strings.LastIndex(kind, "State"):]
		details["name"] = e.State
	case e.Resource != "":
		details["resource"], details["timeoutInSeconds"] = e.Resource, int64(timeout.Seconds())
	case e.Output != nil:
		details["output"] = string(e.Output)
	default:
		details["error"], details["cause"] = e.Error, e.Cause
	}
	out[strings.ToLower(kind[:1])+kind[1:]+"EventDetails"] = details
	return out
}
