package handler

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

// runs counts the executions that were started.
type runs int

func (r *runs) Run(context.Context, reporting.Rebuild) error { *r++; return nil }

func withRebuilds() (map[string]function.Handler, *runs) {
	c := clock.At(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	started := new(runs)
	svc := reporting.New(memory.New(c), c, nil)
	return RebuildHandlers(reporting.NewRebuilds(svc, memory.NewLog(c, reporting.Topics...), started)), started
}

// invokeSample invokes a function with its sample event, whose body it replaces unless body is "-".
func invokeSample(t *testing.T, all map[string]function.Handler, name, body string) []byte {
	t.Helper()
	payload, err := os.ReadFile("../../../events/reporting/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if body != "-" {
		var e events.APIGatewayProxyRequest
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatal(err)
		}
		e.Body = body
		if payload, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
	}
	out, err := all[name].Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantAnswer(t *testing.T, out []byte, status int, part string) {
	t.Helper()
	var res events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &res); err != nil || res.StatusCode != status || !strings.Contains(res.Body, part) {
		t.Errorf("answer %s, want %d with %s", out, status, part)
	}
}

func TestRebuildIsStartedStoppedResumedAndRun(t *testing.T) {
	all, started := withRebuilds()
	wantAnswer(t, invokeSample(t, all, "get-rebuild", "-"), 404, `"code":"NoRebuild"`)
	wantAnswer(t, invokeSample(t, all, "stop-rebuild", "-"), 404, `"code":"NoRebuild"`)
	wantAnswer(t, invokeSample(t, all, "start-rebuild", "-"), 202,
		`"generation":2,"state":"BUILDING","by":"7b0c2a4e-5d31-4f6a-9b1e-2c8d90a1f3e7"`)
	wantAnswer(t, invokeSample(t, all, "stop-rebuild", ""), 200, `"state":"STOPPED"`)
	if out := invokeSample(t, all, "build-generation", "-"); string(out) != `{"building":false,"serving":false}` {
		t.Errorf("stopped: %s", out)
	}
	wantAnswer(t, invokeSample(t, all, "start-rebuild", ""), 202, `"generation":2,"state":"BUILDING"`)
	if *started != 2 {
		t.Errorf("%d executions", *started)
	}
	if out := invokeSample(t, all, "build-generation", "-"); string(out) != `{"building":false,"serving":true}` {
		t.Errorf("built: %s", out)
	}
	wantAnswer(t, invokeSample(t, all, "stop-rebuild", "-"), 409, `"code":"NotBuilding"`)
	if out := invokeSample(t, all, "remove-generation", "-"); string(out) != `{"more":false}` {
		t.Errorf("removed: %s", out)
	}
	wantAnswer(t, invokeSample(t, all, "get-rebuild", "-"), 200, `"state":"DONE"`)
}

func TestStartRebuildRefusesAnUnknownMember(t *testing.T) {
	all, started := withRebuilds()
	wantAnswer(t, invokeSample(t, all, "start-rebuild", `{"fresh":"yes"}`), 400, `"code"`)
	if *started != 0 {
		t.Error("it was started")
	}
}

func TestRebuildOfTooManyPartitionsIsRefused(t *testing.T) {
	c := clock.At(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	store := memory.New(c)
	for n := range int32(reporting.MaxSources + 1) {
		of := reporting.Source{Topic: reporting.Topics[0], Partition: n}
		if err := store.Apply(t.Context(), reporting.Write{Generation: 1, Source: of, To: 1}); err != nil {
			t.Fatal(err)
		}
	}
	started := new(runs)
	all := RebuildHandlers(reporting.NewRebuilds(reporting.New(store, c, nil), nil, started))
	wantAnswer(t, invokeSample(t, all, "start-rebuild", ""), 422, `"code":"TooManyPartitions"`)
	wantAnswer(t, invokeSample(t, all, "start-rebuild", ""), 422, `more than 99 partitions`)
	if *started != 0 {
		t.Error("it was started")
	}
}
