package archtest

import (
	"slices"
	"strings"

	"orderflow/internal/cfn"
)

// undo tells what undoes each step of the saga. A step without an effect of its own is not in it.
var undo = map[string]string{
	"ReserveStock":     "ReleaseStock",
	"AuthorizePayment": "VoidPayment",
	"ArrangeShipment":  "CancelShipment",
	"AwaitShipment":    "CancelShipment",
	"CapturePayment":   "VoidPayment",
	"CommitStock":      "ReleaseStock",
	"ConfirmOrder":     "CloseOrder",
}

const (
	fulfil     = "fulfil-order"
	compensate = "compensate-order"
)

func machineRules() []Rule {
	return []Rule{
		{
			Name: "a state that calls a function has its name",
			Why:  "ReserveStock, reserve-stock and ReserveStockFunction are one thing",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *State) {
				if !strings.Contains(s.Resource, ":::lambda:invoke") {
					return
				}
				bad.unless(s.Arguments["FunctionName"] == "${"+name+"Function}", "%s/%s calls %v", machine, name, s.Arguments["FunctionName"])
				bad.unless(slices.ContainsFunc(r.Functions, func(f Function) bool { return f.LogicalID() == name }), "%s/%s has no function", machine, name)
				id := map[string]string{fulfil: "FulfilOrder", compensate: "CompensateOrder"}[machine]
				want := []string{name + "Function.Arn"}
				if r.published(name + "Function") { // in production the version that belongs to the definition (ADR 23)
					want = []string{"IsGradual", name + "Function.Version", name + "Function.Arn"}
				}
				got := texts(cfn.Dig(r.properties(id), "DefinitionSubstitutions", name+"Function"))
				bad.unless(slices.Equal(got, want), "%s gets %v as %sFunction, want %v", id, got, name, want)
			}),
			Sabotage: func(r *Repo) {
				r.Machines[fulfil].States["ReserveStock"].Arguments["FunctionName"] = "${ReleaseStockFunction}"
			},
		},
		{
			Name: "every state says what it is for, every task has a timeout, every machine its time budget",
			Why:  "the definition is what an operator reads at three in the morning; a task without a timeout waits for a year",
			Check: func(r *Repo) []string {
				var bad list
				for name, m := range r.Machines {
					bad.unless(strings.Contains(m.Comment, "Time budget") && m.TimeoutSeconds > 0, "%s has no time budget", name)
					bad.unless(m.QueryLanguage == "JSONata", "%s is not written in JSONata", name)
					for state, s := range m.States {
						bad.unless(s.Comment != "", "%s/%s has no comment", name, state)
						bad.unless(s.Type != "Task" || s.TimeoutSeconds > 0, "%s/%s has no timeout", name, state)
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["CommitStock"].TimeoutSeconds = 0 },
		},
		{
			Name: "a step of the saga retries what is transient, and only that",
			Why:  "a declined card is final; repeating it is at best rude",
			Check: eachTask(func(_ *Repo, bad *list, machine, name string, s *State) {
				if machine != fulfil || undo[name] == "" {
					return
				}
				retriers := withoutCircuit(s)
				bad.unless(len(retriers) == 1, "%s/%s has %d retriers", machine, name, len(retriers))
				for _, retry := range retriers {
					bad.unless(slices.Contains(retry.ErrorEquals, "Transient") && !slices.Contains(retry.ErrorEquals, "States.ALL") && !slices.Contains(retry.ErrorEquals, "States.TaskFailed"),
						"%s/%s retries %v", machine, name, retry.ErrorEquals)
					bad.unless(retry.MaxAttempts == 3 && retry.IntervalSeconds == 2 && retry.MaxDelaySeconds == 10 && retry.JitterStrategy == "FULL",
						"%s/%s does not retry 3 times within 2 to 10 s with full jitter", machine, name)
				}
			}),
			Sabotage: func(r *Repo) {
				s := r.Machines[fulfil].States["CommitStock"]
				s.Retry[0].ErrorEquals = append(s.Retry[0].ErrorEquals, "States.ALL")
			},
		},
		{
			Name: "a state whose function calls a third party waits while the circuit is open, and no other does",
			Why:  "no circuit breaker: an outage of a minute must not reject orders, and what was not tried costs no attempt",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *State) {
				calls := r.looksUpAddresses(name + "Function")
				if waits := len(s.Retry) - len(withoutCircuit(s)); calls != (waits == 1) {
					bad.add("%s/%s calls a third party: %t; retriers for CircuitOpen: %d", machine, name, calls, waits)
				}
				if !calls || len(s.Retry) == 0 {
					return
				}
				first := s.Retry[0] // the first that matches counts
				bad.unless(slices.Equal(first.ErrorEquals, []string{circuitOpen}) && first.IntervalSeconds == 5 && first.BackoffRate == 1.5 &&
					first.MaxAttempts == 15 && first.MaxDelaySeconds == 30 && first.JitterStrategy == "FULL", "%s/%s does not wait for some minutes", machine, name)
			}),
			Sabotage: func(r *Repo) { r.Machines[compensate].States["VoidPayment"].Retry[0].MaxAttempts = 2 },
		},
		{
			Name: "every step of the saga catches everything, and leads to compensation",
			Why:  "no compensation: an error that is not caught leaves money held and stock reserved",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *State) {
				if machine == fulfil && undo[name] != "" {
					bad.unless(catchesAll(s), "%s/%s does not catch everything", machine, name)
					for _, c := range s.Catch {
						bad.unless(c.Next == "StartCompensation", "%s/%s goes on to %s after an error", machine, name, c.Next)
					}
				}
				bad.unless(machine != fulfil || undo[name] != "" || name == "StartCompensation", "%s/%s has no entry in the table of undos", machine, name)
			}),
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["ArrangeShipment"].Catch = nil },
		},
		{
			Name: "every step has its undo in the compensation, in reverse order",
			Why:  "no compensation: an ambiguous failure may have taken effect, so every step is undone, the failed one included",
			Check: func(r *Repo) []string {
				var want []string
				steps := r.path(fulfil)
				for _, step := range slices.Backward(steps) {
					if u := undo[step]; u != "" && !slices.Contains(want, u) {
						want = append(want, u)
					}
				}
				var bad list
				// Undos of several steps come as late as the first of these steps asks for.
				var got []string
				for _, state := range r.path(compensate) {
					if slices.Contains(want, state) {
						got = append(got, state)
					}
				}
				for _, u := range want {
					bad.unless(slices.Contains(got, u), "compensation never reaches %s", u)
				}
				for i, a := range got {
					for _, b := range got[i+1:] {
						bad.unless(first(steps, a) > first(steps, b), "%s is undone before %s", a, b)
					}
				}
				bad.unless(len(want) > 0, "the saga has no steps")
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Machines[compensate].States["CancelShipment"].Next = "ReleaseStock" },
		},
		{
			Name: "a compensation retries long, and its failure does not stop the next one",
			Why:  "giving up on one undo must not leave the others undone",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *State) {
				if machine != compensate {
					return
				}
				for _, retry := range withoutCircuit(s) {
					bad.unless(retry.MaxAttempts >= 6 && retry.MaxDelaySeconds == 60 && retry.JitterStrategy == "FULL" && slices.Contains(retry.ErrorEquals, "States.ALL"),
						"%s/%s does not retry long", machine, name)
				}
				bad.unless(len(withoutCircuit(s)) > 0, "%s/%s does not retry", machine, name)
				if name == "FlagOrder" { // the last resort: its failure fails the execution, which raises an alarm
					return
				}
				bad.unless(catchesAll(s), "%s/%s does not catch everything", machine, name)
				for _, c := range s.Catch {
					bad.unless(c.Next == s.Next || c.Next == "FlagOrder", "%s/%s stops the others", machine, name)
				}
			}),
			Sabotage: func(r *Repo) { r.Machines[compensate].States["VoidPayment"].Catch[1].Next = "NeedsAttention" },
		},
	}
}

// circuitOpen is the error name of a call that an open circuit refused; see package resilience.
const circuitOpen = "CircuitOpen"

// withoutCircuit returns a state's retriers but for the one that waits for a circuit.
func withoutCircuit(s *State) []Retrier {
	return slices.DeleteFunc(slices.Clone(s.Retry), func(retry Retrier) bool { return slices.Contains(retry.ErrorEquals, circuitOpen) })
}

func eachTask(check func(r *Repo, bad *list, machine, name string, s *State)) func(*Repo) []string {
	return func(r *Repo) []string {
		var bad list
		for machine, m := range r.Machines {
			for name, s := range m.States {
				if s.Type == "Task" {
					check(r, &bad, machine, name, s)
				}
			}
		}
		bad.unless(len(r.Machines) == 2, "there are %d state machines", len(r.Machines))
		return bad.sorted()
	}
}

// catchesAll: States.ALL does not cover the other two.
func catchesAll(s *State) bool {
	var caught []string
	for _, c := range s.Catch {
		caught = append(caught, c.ErrorEquals...)
	}
	return slices.Contains(caught, "States.ALL") && slices.Contains(caught, "States.DataLimitExceeded") && slices.Contains(caught, "States.Runtime")
}

// path lists the states that a machine goes through where nothing fails.
func (r *Repo) path(machine string) []string {
	m := r.Machines[machine]
	var states []string
	for name := m.StartAt; name != "" && !slices.Contains(states, name); {
		states = append(states, name)
		s := m.States[name]
		if name = s.Next; name == "" {
			name = s.Default
		}
	}
	return states
}

// first is the place of the first step that u undoes.
func first(steps []string, u string) int {
	return slices.IndexFunc(steps, func(step string) bool { return undo[step] == u })
}
