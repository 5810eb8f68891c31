package prove

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

func definition(machine string) ([]byte, error) {
	return os.ReadFile("../../../statemachines/" + machine + ".asl.json")
}

func realMachines(t testing.TB) Machines {
	t.Helper()
	return edited(t, nil)
}

type states = map[string]any

// edited loads the definitions with a change. edit gets the states of each machine.
func edited(t testing.TB, edit func(of map[string]states)) Machines {
	t.Helper()
	texts, all := map[string]map[string]any{}, map[string]states{}
	for _, machine := range []string{fulfilOrder, prepareOrder, settleOrder, compensateOrder, undoOrder} {
		text, err := definition(machine)
		var d map[string]any
		if err := errors.Join(err, json.Unmarshal(text, &d)); err != nil {
			t.Fatal(err)
		}
		texts[machine], all[machine] = d, d["States"].(states)
	}
	if edit != nil {
		edit(all)
	}
	m, err := Load(func(machine string) ([]byte, error) { return json.Marshal(texts[machine]) })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// quick is the bound with which defects are found.
const quick = 2

// One fault in a run: `go run ./cmd/dev prove` searches runs with two.
func TestNoPathLeavesAnOrderWrong(t *testing.T) {
	r := Run(realMachines(t), Options{Faults: 1}, time.Now)
	var b bytes.Buffer
	r.Print(&b)
	t.Log("\n" + b.String())
	if r.Violation != nil {
		t.Fatal("a violation was found")
	}
	for o := confirmed; o <= needsAttention; o++ {
		if r.Ends[o.String()] == 0 {
			t.Errorf("no run ends %s: the search misses runs", o)
		}
	}
}

// Each breakage removes a part of the protocol. The search must find the violation.
func TestBrokenProtocolIsFound(t *testing.T) {
	for name, broken := range map[string]Breakage{
		"the barrier is dropped":                  NoBarrier,
		"only finished steps are compensated":     OnlyFinished,
		"a null compensation leaves no record":    NoNullRecord,
		"a confirmed order is compensated anyway": NoConfirmedStop,
	} {
		t.Run(name, func(t *testing.T) {
			violated(t, Run(realMachines(t), Options{Faults: quick, Breakage: broken}, time.Now))
		})
	}
}

func TestBrokenStateMachineIsFound(t *testing.T) {
	for name, edit := range map[string]func(of map[string]states){
		"CloseOrder is skipped": func(of map[string]states) {
			close := of[undoOrder]["CloseOrder"].(states)
			close["Next"], close["Output"] = "CancelShipment", "{% $merge([$states.input, {'failures': {}}]) %}"
			delete(of[undoOrder], "WasConfirmed")
		},
		"stock is never released": func(of map[string]states) {
			without(of[undoOrder], "ReleaseStock", "IsEverythingUndone")
		},
		"money is never given back": func(of map[string]states) {
			without(of[undoOrder], "VoidPayment", "ReleaseStock")
		},
		"the carrier is never called off": func(of map[string]states) {
			without(of[undoOrder], "CancelShipment", "VoidPayment")
		},
		"an undo that fails counts as done": func(of map[string]states) {
			for catcher := range catchers(of[undoOrder]["VoidPayment"]) {
				catcher["Output"] = "{% $states.input %}"
			}
		},
		"a failed step goes on": func(of map[string]states) {
			for catcher := range catchers(of[settleOrder]["CapturePayment"]) {
				catcher["Output"], catcher["Next"] = "{% $states.input %}", "CommitStock"
			}
		},
		"an undo that fails stops the others": func(of map[string]states) {
			for catcher := range catchers(of[undoOrder]["CancelShipment"]) {
				catcher["Next"] = "ReportFailure"
			}
		},
		"a failed child ends the saga": func(of map[string]states) {
			for catcher := range catchers(of[fulfilOrder]["Settle"]) {
				catcher["Next"] = "Compensating"
			}
		},
		"a child reports its failure as success": func(of map[string]states) {
			report := of[settleOrder]["ReportFailure"].(states)
			report["Resource"] = "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess"
			report["Arguments"] = states{"TaskToken": "{% $states.input.taskToken %}", "Output": "{}"}
		},
		"a call that found no slot fails its step": func(of map[string]states) {
			step := of[fulfilOrder]["Settle"].(states)
			step["Retry"] = step["Retry"].([]any)[1:]
		},
		"money is captured before the carrier has booked": func(of map[string]states) {
			settle, await := of[fulfilOrder]["Settle"].(states), of[fulfilOrder]["AwaitShipment"].(states)
			of[fulfilOrder]["Prepare"].(states)["Next"] = "Settle"
			settle["Next"], await["End"] = "AwaitShipment", true
			delete(settle, "End")
			delete(await, "Next")
		},
		"a failed order is not compensated": func(of map[string]states) {
			for _, s := range of[fulfilOrder] {
				for catcher := range catchers(s) {
					if catcher["Next"] == "StartCompensation" {
						catcher["Next"] = "Compensating"
					}
				}
			}
			delete(of[fulfilOrder], "StartCompensation")
		},
	} {
		t.Run(name, func(t *testing.T) {
			violated(t, Run(edited(t, edit), Options{Faults: quick}, time.Now))
		})
	}
}

// catchers yields those of a state.
func catchers(state any) iter.Seq[states] {
	return func(yield func(states) bool) {
		list, _ := state.(states)["Catch"].([]any)
		for _, catcher := range list {
			if !yield(catcher.(states)) {
				return
			}
		}
	}
}

// without removes a state from a machine.
func without(machine states, name, next string) {
	delete(machine, name)
	for _, s := range machine {
		state, isState := s.(states)
		if !isState {
			continue
		}
		redirect(state, name, next)
		for _, list := range []string{"Catch", "Choices"} {
			branches, _ := state[list].([]any)
			for _, b := range branches {
				redirect(b.(states), name, next)
			}
		}
	}
}

func redirect(s states, from, to string) {
	for _, field := range []string{"Next", "Default"} {
		if s[field] == from {
			s[field] = to
		}
	}
}

func violated(t *testing.T, r Report) {
	t.Helper()
	if r.Violation == nil {
		t.Fatalf("no violation found in %d states", r.States)
	}
	var b bytes.Buffer
	r.Print(&b)
	t.Logf("found in %d states with %d faults:\n%s", r.States, r.Violation.Faults, &b)
	if len(r.Violation.Path) < 2 || !strings.HasPrefix(r.Violation.Path[0], "an order is placed") {
		t.Errorf("the path does not lead from a placed order: %v", r.Violation.Path)
	}
}

// The reductions must not lose any world at rest.
func TestReductionsLoseNothing(t *testing.T) {
	rest := func(plain bool) map[World]bool {
		x, worlds := newSearch(realMachines(t), Options{Faults: 1, Plain: plain}), map[World]bool{}
		r := Report{Ends: map[string]int{}}
		x.all(&r)
		if r.Violation != nil {
			t.Fatal(r.Violation)
		}
		for _, s := range x.visits {
			if x.atRest(&s.State) {
				s.World.Token = 0 // means nothing at rest
				worlds[s.World] = true
			}
		}
		return worlds
	}
	reduced, plain := rest(false), rest(true)
	if !maps.Equal(reduced, plain) {
		t.Errorf("%d worlds at rest with the reductions, %d without", len(reduced), len(plain))
	}
}

func TestUnknownFunctionIsRefused(t *testing.T) {
	_, err := Load(func(machine string) ([]byte, error) {
		text, err := definition(machine)
		return bytes.ReplaceAll(text, []byte("${CommitStockFunction}"), []byte("${ShipStockFunction}")), err
	})
	if err == nil || !strings.Contains(err.Error(), "no model of ShipStock") {
		t.Errorf("got %v", err)
	}
}
