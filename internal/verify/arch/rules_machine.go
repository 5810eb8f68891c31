package arch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"orderflow/internal/verify/asl"
	"orderflow/internal/verify/cfn"
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
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				if s.Resource == asl.StatesStart {
					return
				}
				bad.unless(s.Target == name+"Function", "%s/%s calls %s", machine, name, s.Target)
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
				r.Machines[fulfil].States["ReserveStock"].Target = "ReleaseStockFunction"
			},
		},
		{
			Name: "every state says what it is for, every task has a timeout",
			Why:  "the definition is what an operator reads at three in the morning; a task without a timeout waits for a year",
			Check: func(r *Repo) []string {
				var bad list
				for name, m := range r.Machines {
					for state, s := range m.States {
						bad.unless(s.Comment != "", "%s/%s has no comment", name, state)
						bad.unless(s.Type != asl.Task || s.Timeout > 0, "%s/%s has no timeout", name, state)
					}
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["CommitStock"].Timeout = 0 },
		},
		{
			Name: "a machine's time budget is what its attempts and waits add up to, and its timeout is longer",
			Why:  "a timeout that cuts off a wait rejects the order that was waiting; an operator trusts the figure",
			Check: func(r *Repo) []string {
				var bad list
				for name, m := range r.Machines {
					most := longest(m, m.StartAt)
					minutes := fmt.Sprintf("within %d minutes", int(math.Ceil(most.Minutes())))
					bad.unless(strings.Contains(m.Comment, "Time budget") && strings.Contains(m.Comment, minutes),
						"%s takes up to %s, and its comment does not say %q", name, most, minutes)
					bad.unless(m.Timeout > most, "%s takes up to %s, and times out after %s", name, most, m.Timeout)
				}
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["CommitStock"].Retry[0].MaxAttempts += 10 },
		},
		{
			Name: "a saga and its undoing, each as long as may be, are over within 3 hours",
			Why:  "reconciliation takes a charge of that age, of an order without an end, for one that nobody works on, and voids it",
			Check: func(r *Repo) []string {
				var bad list
				sum := r.Machines[fulfil].Timeout + r.Machines[compensate].Timeout
				bad.unless(sum <= 3*time.Hour, "%s and %s may take %s together", fulfil, compensate, sum)
				return bad.sorted()
			},
			Sabotage: func(r *Repo) { r.Machines[compensate].Timeout = 2 * time.Hour },
		},
		{
			Name: "a step of the saga retries what is transient, and only that",
			Why:  "a declined card is final; repeating it is at best rude",
			Check: eachTask(func(_ *Repo, bad *list, machine, name string, s *asl.State) {
				if machine != fulfil || undo[name] == "" {
					return
				}
				attempts := 3
				if contended[name] {
					attempts = 8
				}
				retriers := ofFailures(s)
				bad.unless(len(retriers) == 1, "%s/%s has %d retriers", machine, name, len(retriers))
				for _, retry := range retriers {
					bad.unless(slices.Contains(retry.ErrorEquals, "Transient") && !slices.Contains(retry.ErrorEquals, "States.ALL") && !slices.Contains(retry.ErrorEquals, "States.TaskFailed"),
						"%s/%s retries %v", machine, name, retry.ErrorEquals)
					bad.unless(retry.MaxAttempts == attempts && retry.Interval == 2*time.Second && retry.MaxDelay == 10*time.Second && retry.FullJitter,
						"%s/%s does not retry %d times within 2 to 10 s with full jitter", machine, name, attempts)
				}
			}),
			Sabotage: func(r *Repo) {
				s := r.Machines[fulfil].States["CommitStock"]
				s.Retry[1].ErrorEquals = append(s.Retry[1].ErrorEquals, "States.ALL")
			},
		},
		{
			Name: "a state that calls a function waits for a free slot first, and shares that with no failure",
			Why:  "a burst that the bulkhead turns away must not reject orders: what was not tried costs no attempt",
			Check: eachTask(func(_ *Repo, bad *list, machine, name string, s *asl.State) {
				if s.Resource == asl.StatesStart {
					return
				}
				if len(s.Retry) == 0 || !slices.Equal(s.Retry[0].ErrorEquals, []string{throttled}) {
					bad.add("%s/%s does not wait for a slot", machine, name)
					return
				}
				first := s.Retry[0]
				bad.unless(first.Interval == 2*time.Second && first.BackoffRate == 1.5 && first.MaxAttempts == 15 && first.MaxDelay == 20*time.Second && first.FullJitter,
					"%s/%s does not wait for some minutes", machine, name)
				for _, retry := range s.Retry[1:] {
					bad.unless(!slices.Contains(retry.ErrorEquals, throttled), "%s/%s has two retriers for %s", machine, name, throttled)
				}
			}),
			Sabotage: func(r *Repo) {
				s := r.Machines[fulfil].States["ConfirmOrder"]
				s.Retry[1].ErrorEquals = append(s.Retry[1].ErrorEquals, throttled)
			},
		},
		{
			Name: "a state whose function calls a third party waits while the circuit is open, and no other does",
			Why:  "no circuit breaker: an outage of a minute must not reject orders, and what was not tried costs no attempt",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				calls := r.looksUpAddresses(name + "Function")
				waits := slices.DeleteFunc(slices.Clone(s.Retry), func(retry asl.Retrier) bool { return !slices.Contains(retry.ErrorEquals, circuitOpen) })
				if calls != (len(waits) == 1) {
					bad.add("%s/%s calls a third party: %t; retriers for CircuitOpen: %d", machine, name, calls, len(waits))
				}
				for _, retry := range waits {
					bad.unless(slices.Equal(retry.ErrorEquals, []string{circuitOpen}) && retry.Interval == 5*time.Second && retry.BackoffRate == 1.5 &&
						retry.MaxAttempts == 15 && retry.MaxDelay == 30*time.Second && retry.FullJitter, "%s/%s does not wait for some minutes", machine, name)
				}
				// The first that matches counts, and the last may match all.
				ahead := len(s.Retry) > 1 && slices.Contains(s.Retry[1].ErrorEquals, circuitOpen)
				bad.unless(!calls || ahead, "%s/%s retries failures before it looks for an open circuit", machine, name)
			}),
			Sabotage: func(r *Repo) { r.Machines[compensate].States["VoidPayment"].Retry[1].MaxAttempts = 2 },
		},
		{
			Name: "every step of the saga catches everything, and leads to compensation",
			Why:  "no compensation: an error that is not caught leaves money held and stock reserved",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
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
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				if machine != compensate {
					return
				}
				for _, retry := range ofFailures(s) {
					bad.unless(retry.MaxAttempts >= 6 && retry.MaxDelay == 60*time.Second && retry.FullJitter && slices.Contains(retry.ErrorEquals, "States.ALL"),
						"%s/%s does not retry long", machine, name)
				}
				bad.unless(len(ofFailures(s)) > 0, "%s/%s does not retry", machine, name)
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

// The error names of what was not tried: a call that an open circuit refused (see package resilience), and an invocation for
// which the function had no slot.
const (
	circuitOpen = "CircuitOpen"
	throttled   = "Lambda.TooManyRequestsException"
)

// contended are the steps that orders of the same product take on the same item.
var contended = map[string]bool{"ReserveStock": true, "CommitStock": true}

// untried reports whether a retrier waits for the chance to try.
func untried(retry asl.Retrier) bool {
	return slices.Contains(retry.ErrorEquals, circuitOpen) || slices.Contains(retry.ErrorEquals, throttled)
}

// ofFailures returns a state's retriers but for those that wait for the chance to try.
func ofFailures(s *asl.State) []asl.Retrier {
	return slices.DeleteFunc(slices.Clone(s.Retry), untried)
}

// longest is how long a machine may take from a state on: every attempt as long as may be, every wait the longest.
func longest(m *asl.Machine, state string) time.Duration {
	s := m.States[state]
	var rest time.Duration
	for _, next := range s.Successors() {
		rest = max(rest, longest(m, next)) // there are no loops
	}
	return takes(s) + rest
}

// How long an attempt takes that comes to nothing: an invocation that was refused, and one that failed by itself.
const (
	refusal = time.Second
	failure = 15 * time.Second
)

func takes(s *asl.State) time.Duration {
	total := s.Timeout
	for _, retry := range s.Retry {
		each := min(failure, s.Timeout)
		if untried(retry) {
			each = refusal
		}
		wait := retry.Interval
		for range retry.MaxAttempts {
			total += each + min(wait, retry.MaxDelay)
			wait = time.Duration(float64(wait) * retry.BackoffRate)
		}
	}
	return total
}

func eachTask(check func(r *Repo, bad *list, machine, name string, s *asl.State)) func(*Repo) []string {
	return func(r *Repo) []string {
		var bad list
		for machine, m := range r.Machines {
			for name, s := range m.States {
				if s.Type == asl.Task {
					check(r, &bad, machine, name, s)
				}
			}
		}
		bad.unless(len(r.Machines) == 2, "there are %d state machines", len(r.Machines))
		return bad.sorted()
	}
}

// catchesAll: States.ALL does not cover the other two.
func catchesAll(s *asl.State) bool {
	var caught []string
	for _, c := range s.Catch {
		caught = append(caught, c.ErrorEquals...)
	}
	return slices.Contains(caught, "States.ALL") && slices.Contains(caught, "States.DataLimitExceeded") && slices.Contains(caught, "States.Runtime")
}

// path lists the states that a machine goes through where nothing fails, up to where it ends or a choice turns away.
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
