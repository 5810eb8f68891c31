package workflow_test

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/memory"
)

// BenchmarkExecution measures an execution with its child and a token, and functions that take no
// time.
func BenchmarkExecution(b *testing.B) {
	done := make(chan struct{}, 1)
	var e *workflow.Engine
	call := func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		switch function {
		case "ask":
			var in struct{ Token string }
			_ = json.Unmarshal(payload, &in)
			return []byte(`{}`), e.Succeed(ctx, in.Token, json.RawMessage(`{}`))
		case "do":
			defer func() { done <- struct{}{} }()
		}
		return []byte(`{}`), nil
	}
	e = workflow.New(workflow.Options{
		Machines: machines(b), Call: workflow.Blocking(call), Journal: memory.New(100), Owner: "a",
	})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx, func(context.Context) {}) })
	for !e.Leads() {
		time.Sleep(time.Millisecond)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		name := strconv.Itoa(n)
		must(b, e.Start(ctx, "parent", name, json.RawMessage(`{"id":"`+name+`"}`)))
		<-done
	}
	cancel()
	running.Wait()
}
