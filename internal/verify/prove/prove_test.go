package prove

import (
	"bytes"
	"encoding/json"
	"io"
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

func definitions(t testing.TB) (fulfil, compensate []byte) {
	t.Helper()
	fulfil, err1 := os.ReadFile("../../../statemachines/fulfil-order.asl.json")
	compensate, err2 := os.ReadFile("../../../statemachines/compensate-order.asl.json")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return fulfil, compensate
}

func realMachines(t testing.TB) Machines {
	t.Helper()
	return edited(t, nil)
}

// edited loads the definitions with a change.
func edited(t testing.TB, edit func(fulfil, compensate map[string]any)) Machines {
	t.Helper()
	fulfil, compensate := definitions(t)
	if edit != nil {
		var f, c map[string]any
		if json.Unmarshal(fulfil, &f) != nil || json.Unmarshal(compensate, &c) != nil {
			t.Fatal("the definitions are not JSON")
		}
		edit(f["States"].(map[string]any), c["States"].(map[string]any))
		if edit := c["States"].(map[string]any)["StartAt"]; edit != nil {
			c["StartAt"] = edit
			delete(c["States"].(map[string]any), "StartAt")
		}
		var err1, err2 error
		fulfil, err1 = json.Marshal(f)
		compensate, err2 = json.Marshal(c)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
	}
	m, err := Load(fulfil, compensate)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// quick is the bound of `make test`.
const quick = 2

func TestNoPathLeavesAnOrderWrong(t *testing.T) {
	faults := uint8(quick)
	if testing.Short() {
		faults = 1
	}
	r := Run(realMachines(t), Options{Faults: faults}, time.Now)
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

type states = map[string]any

func TestBrokenStateMachineIsFound(t *testing.T) {
	for name, edit := range map[string]func(fulfil, compensate states){
		"CloseOrder is skipped": func(_, c states) {
			c["IsGivenUp"].(states)["Default"] = "CancelShipment"
			delete(c, "CloseOrder")
			delete(c, "WasConfirmed")
			delete(c, "Confirmed")
		},
		"stock is never released":         func(_, c states) { without(c, "ReleaseStock", "IsEverythingUndone") },
		"money is never given back":       func(_, c states) { without(c, "VoidPayment", "ReleaseStock") },
		"the carrier is never called off": func(_, c states) { without(c, "CancelShipment", "VoidPayment") },
		"an undo that fails counts as done": func(_, c states) {
			for _, catcher := range c["VoidPayment"].(states)["Catch"].([]any) {
				catcher.(states)["Output"] = "{% $states.input %}"
			}
		},
		"a failed step goes on": func(f, _ states) {
			for _, catcher := range f["CapturePayment"].(states)["Catch"].([]any) {
				catcher.(states)["Next"] = "CommitStock"
			}
		},
		"a call that found no slot fails its step": func(f, _ states) {
			step := f["CommitStock"].(states)
			step["Retry"] = step["Retry"].([]any)[1:]
		},
		"money is captured before the carrier has booked": func(f, _ states) {
			f["ArrangeShipment"].(states)["Next"] = "CapturePayment"
			f["CapturePayment"].(states)["Next"] = "AwaitShipment"
			f["AwaitShipment"].(states)["Next"] = "CommitStock"
		},
		"a failed order is not compensated": func(f, _ states) {
			for _, s := range f {
				catchers, _ := s.(states)["Catch"].([]any)
				for _, catcher := range catchers {
					catcher.(states)["Next"] = "Compensating"
				}
			}
			delete(f, "StartCompensation")
		},
	} {
		t.Run(name, func(t *testing.T) {
			violated(t, Run(edited(t, edit), Options{Faults: quick}, time.Now))
		})
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
	fulfil, compensate := definitions(t)
	fulfil = bytes.ReplaceAll(fulfil, []byte("${CommitStockFunction}"), []byte("${ShipStockFunction}"))
	if _, err := Load(fulfil, compensate); err == nil || !strings.Contains(err.Error(), "no model of ShipStock") {
		t.Errorf("got %v", err)
	}
}
