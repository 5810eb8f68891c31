package timeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"orderflow/internal/ops/timeline"
)

var update = flag.Bool("update", false, "rewrite testdata/*/*.txt")

// load reads the recorded executions of an order, such as emulator/declined.
func load(t *testing.T, order string) timeline.Timeline {
	t.Helper()
	var histories []timeline.History
	for _, machine := range []string{"fulfil-order", "compensate-order"} {
		data, err := os.ReadFile("testdata/" + order + "." + machine + ".json")
		if os.IsNotExist(err) {
			continue
		}
		var history struct{ Events []types.HistoryEvent }
		if err == nil {
			err = json.Unmarshal(data, &history)
		}
		if err != nil {
			t.Fatal(err)
		}
		undoes := machine == "compensate-order"
		histories = append(histories, timeline.History{Machine: machine, Undoes: undoes, Events: history.Events})
	}
	return timeline.New("01KAQ5M3Z8V7D2X4C6B9N1T0S1", histories...)
}

func TestText(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d histories, %v", len(files), err)
	}
	for _, file := range files {
		order := strings.TrimPrefix(strings.Split(file, ".")[0], "testdata/")
		t.Run(order, func(t *testing.T) {
			var got bytes.Buffer
			if err := load(t, order).Write(&got); err != nil {
				t.Fatal(err)
			}
			golden := "testdata/" + order + ".txt"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// find returns the step of a state.
func find(t *testing.T, tl timeline.Timeline, state string) timeline.Step {
	t.Helper()
	for _, s := range tl.Steps {
		if s.State == state {
			return s
		}
	}
	t.Fatalf("no step %s", state)
	return timeline.Step{}
}

func ms(n int) timeline.Millis { return timeline.Millis(time.Duration(n) * time.Millisecond) }

func TestAttemptsHaveTheirErrorAndTheWaitAfterThem(t *testing.T) {
	s := find(t, load(t, "aws/confirmed"), "AuthorizePayment")
	if s.Outcome != timeline.Succeeded || len(s.Attempts) != 3 {
		t.Fatalf("%+v", s)
	}
	for i, want := range []struct {
		outcome    timeline.Outcome
		error      string
		took, wait timeline.Millis
	}{
		{timeline.Failed, "Transient", ms(160), ms(1840)},
		{timeline.TimedOut, "States.Timeout", ms(10040), ms(2310)},
		{timeline.Succeeded, "", ms(190), 0},
	} {
		a, name := s.Attempts[i], ""
		if a.Failure != nil {
			name = a.Failure.Error
		}
		if a.Number != i+1 || a.Outcome != want.outcome || name != want.error ||
			a.Duration != want.took || a.RetryWait != want.wait {
			t.Errorf("attempt %d: %+v, want %+v", i+1, a, want)
		}
	}
}

func TestStepsOfAChildAreListedWithinTheirState(t *testing.T) {
	tl := load(t, "aws/children")
	prepare, authorize := find(t, tl, "Prepare"), findAll(tl, "AuthorizePayment")
	if len(prepare.Attempts) != 3 || prepare.Attempts[0].Failure.Cause !=
		"AuthorizePayment: the circuit of payment-provider is open" || prepare.Attempts[2].Callback {
		t.Errorf("%+v", prepare)
	}
	if len(authorize) != 2 { // nothing is known of the attempt that timed out
		t.Fatalf("%+v", authorize)
	}
	for _, s := range authorize {
		first := s.Attempts[0].Number == 1
		want, took := timeline.Succeeded, ms(220)
		if first {
			want, took = timeline.Failed, ms(460)
		}
		if s.Within != "Prepare" || s.Outcome != want || s.Duration != took || len(s.Attempts) != 1 ||
			(s.Attempts[0].Failure != nil) != first || !first && s.Attempts[0].Number != 3 {
			t.Errorf("%+v", s)
		}
	}
	if reserve := findAll(tl, "ReserveStock"); len(reserve) != 2 || reserve[0].Outcome != timeline.Succeeded {
		t.Errorf("%+v", reserve)
	}
	if confirm := find(t, tl, "ConfirmOrder"); confirm.Within != "Settle" || confirm.Duration != ms(150) {
		t.Errorf("%+v", confirm)
	}
}

func TestEveryFailedUndoIsListedWithItsCause(t *testing.T) {
	tl := load(t, "aws/undone")
	for state, want := range map[string]timeline.Failure{
		"CancelShipment": {Error: "CircuitOpen", Cause: "the circuit of carrier is open"},
		"VoidPayment":    {Error: "Transient", Cause: "the provider answered 500"},
	} {
		s := findAll(tl, state)
		if len(s) != 2 || s[0].Outcome != timeline.Failed || *s[0].Attempts[0].Failure != want ||
			s[1].Outcome != timeline.Succeeded {
			t.Errorf("%s: %+v, want it to fail with %+v, then to succeed", state, s, want)
		}
	}
	if s := findAll(tl, "ReleaseStock"); len(s) != 2 || s[0].Outcome != timeline.Succeeded {
		t.Errorf("%+v, want it undone twice", s)
	}
	const first = `{"CancelShipment": "CircuitOpen", "VoidPayment": "Transient"}`
	if undo := find(t, tl, "Undo"); undo.Attempts[0].Failure.Cause != first {
		t.Errorf("%+v", undo.Attempts[0].Failure)
	}
}

// findAll returns all steps of a state.
func findAll(tl timeline.Timeline, state string) (all []timeline.Step) {
	for _, s := range tl.Steps {
		if s.State == state {
			all = append(all, s)
		}
	}
	return all
}

func TestHistoriesOfAWSAndTheEmulatorReadAlike(t *testing.T) {
	shape := func(tl timeline.Timeline) (lines []string) {
		for _, s := range tl.Steps {
			line := s.Machine + " " + s.State + " " + string(s.Outcome) + " " + s.Next
			for _, a := range s.Attempts {
				if line += " " + string(a.Outcome); a.Callback {
					line += " callback"
				}
				if a.Failure != nil {
					line += " " + a.Failure.Error + ": " + a.Failure.Cause
				}
			}
			lines = append(lines, line)
		}
		return lines
	}
	emulator, aws := shape(load(t, "emulator/refused")), shape(load(t, "aws/refused"))
	const compared = 4 // ReserveStock, AuthorizePayment, ArrangeShipment, AwaitShipment
	if diff := cmp.Diff(emulator[:compared], aws[:compared]); diff != "" {
		t.Errorf("(-emulator +aws):\n%s", diff)
	}
}

func TestCompensationsAreMarkedAndStepsSortedByTime(t *testing.T) {
	tl := load(t, "emulator/declined")
	last := time.Duration(-1)
	compensations := 0
	for _, s := range tl.Steps {
		if time.Duration(s.Offset) < last {
			t.Errorf("%s is listed after a later step", s.State)
		}
		last = time.Duration(s.Offset)
		if s.Compensation != (s.Machine == "compensate-order") {
			t.Errorf("%s: compensation %t", s.State, s.Compensation)
		}
		if s.Compensation && len(s.Attempts) > 0 {
			compensations++
		}
	}
	if compensations != 5 {
		t.Errorf("%d compensations", compensations)
	}
}

func TestExhaustedCompensationDoesNotStopTheOthers(t *testing.T) {
	tl := load(t, "emulator/silent")
	void, release := find(t, tl, "VoidPayment"), find(t, tl, "ReleaseStock")
	if void.Outcome != timeline.Caught || void.Next != "ReleaseStock" || len(void.Attempts) != 4 ||
		release.Outcome != timeline.Succeeded {
		t.Errorf("%+v\n%+v", void, release)
	}
}

func TestRunningStepSaysThatItWaitsForACallback(t *testing.T) {
	data, err := os.ReadFile("testdata/emulator/confirmed.fulfil-order.json")
	if err != nil {
		t.Fatal(err)
	}
	var history struct{ Events []types.HistoryEvent }
	if err := json.Unmarshal(data, &history); err != nil {
		t.Fatal(err)
	}
	for i, e := range history.Events {
		if e.StateEnteredEventDetails != nil && *e.StateEnteredEventDetails.Name == "AwaitShipment" {
			history.Events = history.Events[:i+2] // entered and scheduled
			break
		}
	}
	tl := timeline.New("X", timeline.History{Machine: "fulfil-order", Events: history.Events})
	var text bytes.Buffer
	if err := tl.Write(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "waiting for the callback") ||
		!strings.Contains(text.String(), "RUNNING in AwaitShipment") {
		t.Errorf("%s", &text)
	}
}

func TestRunningStepsEndWithTheirExecution(t *testing.T) {
	for order, want := range map[string]struct {
		state   string
		outcome timeline.Outcome
	}{
		"emulator/stopped": {"AwaitShipment", timeline.Aborted},
		"aws/undefined":    {"AuthorizePayment", timeline.Failed},
		"aws/direct":       {"AuthorizePayment", timeline.TimedOut},
	} {
		tl := load(t, order)
		e, s := tl.Executions[0], find(t, tl, want.state)
		if e.Outcome != want.outcome || s.Outcome != want.outcome || e.Last != want.state || e.Failure == nil ||
			s.Attempts[len(s.Attempts)-1].Outcome == timeline.Running {
			t.Errorf("%s: %+v, %+v", order, e, s)
		}
	}
}

func TestParallelBranchesAreDistinguished(t *testing.T) {
	tl := load(t, "aws/parallel")
	void, release, both := find(t, tl, "VoidPayment"), find(t, tl, "ReleaseStock"), find(t, tl, "Both")
	if len(void.Attempts) != 2 || len(release.Attempts) != 1 || void.Outcome != timeline.Succeeded ||
		release.Outcome != timeline.Succeeded || both.Outcome != timeline.Succeeded {
		t.Errorf("%+v\n%+v\n%+v", void, release, both)
	}
}

func TestRedrivenExecutionContinuesWhereItEnded(t *testing.T) {
	name, when := "ReserveStock", time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var events []types.HistoryEvent
	add := func(e types.HistoryEvent) {
		when = when.Add(time.Second)
		at := when
		e.Timestamp, e.Id = &at, int64(len(events)+1)
		events = append(events, e)
	}
	failure, text := "Transient", "no"
	entered, exited := &types.StateEnteredEventDetails{Name: &name}, &types.StateExitedEventDetails{Name: &name}
	taskFailed := &types.TaskFailedEventDetails{Error: &failure, Cause: &text}
	failed := &types.ExecutionFailedEventDetails{Error: &failure}
	add(types.HistoryEvent{Type: types.HistoryEventTypeExecutionStarted})
	add(types.HistoryEvent{Type: types.HistoryEventTypeTaskStateEntered, StateEnteredEventDetails: entered})
	add(types.HistoryEvent{Type: types.HistoryEventTypeTaskScheduled, PreviousEventId: 2})
	add(types.HistoryEvent{Type: types.HistoryEventTypeTaskFailed, PreviousEventId: 3,
		TaskFailedEventDetails: taskFailed})
	add(types.HistoryEvent{
		Type: types.HistoryEventTypeExecutionFailed, PreviousEventId: 4, ExecutionFailedEventDetails: failed,
	})
	add(types.HistoryEvent{Type: types.HistoryEventTypeExecutionRedriven, PreviousEventId: 5})
	add(types.HistoryEvent{Type: types.HistoryEventTypeTaskScheduled, PreviousEventId: 6})
	add(types.HistoryEvent{Type: types.HistoryEventTypeTaskSucceeded, PreviousEventId: 7})
	add(types.HistoryEvent{
		Type: types.HistoryEventTypeTaskStateExited, PreviousEventId: 8, StateExitedEventDetails: exited,
	})
	redriven := timeline.New("X", timeline.History{Machine: "fulfil-order", Events: events[:7]})
	s := find(t, redriven, "ReserveStock")
	if s.Outcome != timeline.Running || redriven.Executions[0].Outcome != timeline.Running {
		t.Errorf("redriven: %+v, %+v", s, redriven.Executions)
	}
	tl := timeline.New("X", timeline.History{Machine: "fulfil-order", Events: events})
	s = find(t, tl, "ReserveStock")
	if s.Outcome != timeline.Succeeded || len(s.Attempts) != 2 || tl.Executions[0].Outcome != timeline.Running ||
		tl.Executions[0].Failure != nil {
		t.Errorf("%+v, %+v", s, tl.Executions)
	}
}

func TestEmptyHistoryIsAnEmptyTimeline(t *testing.T) {
	tl := timeline.New("X", timeline.History{Machine: "fulfil-order"})
	b, err := json.Marshal(tl)
	if want := `{"orderId":"X","start":"0001-01-01T00:00:00Z","executions":[],"steps":[]}`; err != nil ||
		string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestJSONHasMilliseconds(t *testing.T) {
	b, err := json.Marshal(find(t, load(t, "aws/confirmed"), "AuthorizePayment").Attempts[0])
	const want = `{"attempt":1,"outcome":"FAILED","offsetMs":205,"durationMs":160,"failure":{"error":"Transient",` +
		`"cause":"DependencyUnavailable: payment-provider did not respond correctly"},"retryWaitMs":1840}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestControlCharactersAreEscaped(t *testing.T) {
	cause := "refused\x1b[31m\u202e\nCONFIRMED\t\u009b"
	tl := timeline.Timeline{
		Steps: []timeline.Step{{State: "ArrangeShipment", Outcome: timeline.Failed, Attempts: []timeline.Attempt{
			{Number: 1, Outcome: timeline.Failed, Failure: &timeline.Failure{Error: "CarrierRefused", Cause: cause}},
		}}},
		Executions: []timeline.Execution{
			{Machine: "fulfil-order", Outcome: timeline.Failed, Failure: &timeline.Failure{Error: "E" + cause}},
		},
	}
	var out bytes.Buffer
	if err := tl.Write(&out); err != nil {
		t.Fatal(err)
	}
	escaped := strings.Count(out.String(), `refused\u001b[31m\u202e\u000aCONFIRMED\u0009\u009b`)
	if escaped != 2 || strings.ContainsAny(out.String(), "\x1b\u202e\u009b") {
		t.Errorf("got %q", out.String())
	}
}

func TestStepsOfAnEarlierChildAreListedOnce(t *testing.T) {
	at := time.Date(2026, 11, 29, 18, 6, 44, 888_500_000, time.UTC)
	began := func(steps string) *types.TaskSucceededEventDetails {
		return &types.TaskSucceededEventDetails{Output: aws.String("{" + steps + "}")}
	}
	first := `"ReserveStock":"2026-11-29T18:06:44.888Z"`
	child := &types.TaskScheduledEventDetails{Resource: aws.String("startExecution.waitForTaskToken")}
	var events []types.HistoryEvent
	for _, c := range []struct{ name, steps string }{
		{"Prepare", first}, {"Settle", first + `,"CommitStock":"2026-11-29T18:06:44.898Z"`},
	} {
		entered := &types.StateEnteredEventDetails{Name: &c.name}
		events = append(events,
			types.HistoryEvent{Type: types.HistoryEventTypeTaskStateEntered, StateEnteredEventDetails: entered},
			types.HistoryEvent{Type: types.HistoryEventTypeTaskScheduled, TaskScheduledEventDetails: child},
			types.HistoryEvent{Type: types.HistoryEventTypeTaskSucceeded, TaskSucceededEventDetails: began(c.steps)})
	}
	for i := range events {
		events[i].Id, events[i].Timestamp = int64(i+1), aws.Time(at.Add(time.Duration(i/3)*10*time.Millisecond))
	}
	tl := timeline.New("o", timeline.History{Machine: "fulfil-order", Events: events})
	if n := len(findAll(tl, "ReserveStock")); n != 1 || find(t, tl, "CommitStock").Within != "Settle" {
		t.Errorf("ReserveStock is listed %d times", n)
	}
}

// stopped is a history of a step that was running when its execution was aborted. Emulators record
// for a moment what the step still did.
func stopped() timeline.History {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := func(kind types.HistoryEventType, after time.Duration) types.HistoryEvent {
		when := at.Add(after)
		return types.HistoryEvent{Type: kind, Timestamp: &when}
	}
	entered := event(types.HistoryEventTypeTaskStateEntered, 0)
	name, cause := "Undo", strings.Repeat("x", 200)
	entered.StateEnteredEventDetails = &types.StateEnteredEventDetails{Name: &name}
	aborted := event(types.HistoryEventTypeExecutionAborted, 2*time.Second)
	aborted.ExecutionAbortedEventDetails = &types.ExecutionAbortedEventDetails{Error: &name, Cause: &cause}
	return timeline.History{Machine: "compensate-order", Undoes: true, Events: []types.HistoryEvent{
		event(types.HistoryEventTypeExecutionStarted, 0), entered, event(types.HistoryEventTypeTaskScheduled, 0),
		aborted, event(types.HistoryEventTypeTaskSucceeded, 9*time.Second),
		event(types.HistoryEventTypeTaskStateEntered, 10*time.Second),
	}}
}

func TestTimelineEndsWhereTheExecutionWasAborted(t *testing.T) {
	got := timeline.New("o", stopped())
	execution, steps := got.Executions[0], got.Steps
	if len(steps) != 1 || steps[0].Outcome != timeline.Aborted || steps[0].Attempts[0].Outcome != timeline.Aborted ||
		time.Duration(steps[0].Duration) != 2*time.Second || time.Duration(execution.Duration) != 2*time.Second {
		t.Errorf("%+v %+v", execution, steps)
	}
	if waits := got.Waits(); len(waits) > 0 {
		t.Errorf("it waits for %+v", waits)
	}
}

func TestCausesAreWholeIfWide(t *testing.T) {
	whole := strings.Repeat("x", 200)
	var brief, wide bytes.Buffer
	err := timeline.New("o", stopped()).Write(&brief)
	if err != nil || strings.Contains(brief.String(), whole) || !strings.Contains(brief.String(), "xx…") {
		t.Errorf("%s, %v", &brief, err)
	}
	if err := timeline.New("o", stopped()).WriteWide(&wide); err != nil || !strings.Contains(wide.String(), whole) {
		t.Errorf("%s, %v", &wide, err)
	}
}
