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

// undo maps each step of the saga to its compensation. Steps without an effect are left out.
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
			Name: "a state is named for the function it calls",
			Why:  "ReserveStock, reserve-stock and ReserveStockFunction are the same thing",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				if s.Resource == asl.StatesStart {
					return
				}
				bad.unless(s.Target == name+"Function", "%s/%s calls %s", machine, name, s.Target)
				exists := slices.ContainsFunc(r.Functions, func(f Function) bool { return f.LogicalID() == name })
				bad.unless(exists, "%s/%s has no function", machine, name)
				id := map[string]string{fulfil: "FulfilOrder", compensate: "CompensateOrder"}[machine]
				want := []string{name + "Function.Arn"}
				if r.published(name + "Function") { // in production the definition pins a version (ADR 23)
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
			Name: "every state has a comment, every task a timeout",
			Why:  "operators read the definition during incidents; a task without a timeout waits for a year",
			Check: func(r *Repo, bad *list) {
				for name, m := range r.Machines {
					for state, s := range m.States {
						bad.unless(s.Comment != "", "%s/%s has no comment", name, state)
						bad.unless(s.Type != asl.Task || s.Timeout > 0, "%s/%s has no timeout", name, state)
					}
				}
			},
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["CommitStock"].Timeout = 0 },
		},
		{
			Name: "a machine's time budget is correct, its timeout longer",
			Why:  "a timeout during a wait rejects the order; operators trust the figure",
			Check: func(r *Repo, bad *list) {
				for name, m := range r.Machines {
					most := longest(m, m.StartAt)
					minutes := fmt.Sprintf("within %d minutes", int(math.Ceil(most.Minutes())))
					bad.unless(strings.Contains(m.Comment, "Time budget") && strings.Contains(m.Comment, minutes),
						"%s takes up to %s, but its comment does not say %q", name, most, minutes)
					bad.unless(m.Timeout > most, "%s takes up to %s, but times out after %s", name, most, m.Timeout)
				}
			},
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["CommitStock"].Retry[0].MaxAttempts += 10 },
		},
		{
			Name: "a saga and its compensation end within 3 hours",
			Why:  "after 3 hours, reconciliation voids the charge of an order that has not ended",
			Check: func(r *Repo, bad *list) {
				sum := r.Machines[fulfil].Timeout + r.Machines[compensate].Timeout
				bad.unless(sum <= 3*time.Hour, "%s and %s may take %s together", fulfil, compensate, sum)
			},
			Sabotage: func(r *Repo) { r.Machines[compensate].Timeout = 2 * time.Hour },
		},
		{
			Name: "a step of the saga retries transient errors only",
			Why:  "a declined card is final; trying it again changes nothing",
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
					final := slices.Contains(retry.ErrorEquals, "States.ALL") ||
						slices.Contains(retry.ErrorEquals, "States.TaskFailed")
					bad.unless(slices.Contains(retry.ErrorEquals, "Transient") && !final,
						"%s/%s retries %v", machine, name, retry.ErrorEquals)
					delays := retry.Interval == 2*time.Second && retry.MaxDelay == 10*time.Second && retry.FullJitter
					bad.unless(retry.MaxAttempts == attempts && delays,
						"%s/%s does not retry %d times, after 2 to 10 s with full jitter", machine, name, attempts)
				}
			}),
			Sabotage: func(r *Repo) {
				s := r.Machines[fulfil].States["CommitStock"]
				s.Retry[1].ErrorEquals = append(s.Retry[1].ErrorEquals, "States.ALL")
			},
		},
		{
			Name: "waiting for a function's free slot costs no attempt",
			Why:  "orders must not be rejected because the bulkhead is full",
			Check: eachTask(func(_ *Repo, bad *list, machine, name string, s *asl.State) {
				if s.Resource == asl.StatesStart {
					return
				}
				if len(s.Retry) == 0 || !slices.Equal(s.Retry[0].ErrorEquals, []string{throttled}) {
					bad.add("%s/%s does not retry throttling first", machine, name)
					return
				}
				first := s.Retry[0]
				bad.unless(waitsMinutes(first, 2*time.Second, 20*time.Second),
					"%s/%s does not wait for some minutes", machine, name)
				for _, retry := range s.Retry[1:] {
					bad.unless(!slices.Contains(retry.ErrorEquals, throttled),
						"%s/%s has two retriers for %s", machine, name, throttled)
				}
			}),
			Sabotage: func(r *Repo) {
				s := r.Machines[fulfil].States["ConfirmOrder"]
				s.Retry[1].ErrorEquals = append(s.Retry[1].ErrorEquals, throttled)
			},
		},
		{
			Name: "only states that call third parties wait for open circuits",
			Why:  "an outage of a minute must not reject orders; a refused call costs no attempt",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				calls := r.looksUpAddresses(name + "Function")
				waits := slices.DeleteFunc(slices.Clone(s.Retry), func(retry asl.Retrier) bool {
					return !slices.Contains(retry.ErrorEquals, circuitOpen)
				})
				if calls != (len(waits) == 1) {
					bad.add("%s/%s calls a third party: %t; retriers for CircuitOpen: %d", machine, name, calls,
						len(waits))
				}
				for _, retry := range waits {
					alone := slices.Equal(retry.ErrorEquals, []string{circuitOpen})
					bad.unless(alone && waitsMinutes(retry, 5*time.Second, 30*time.Second),
						"%s/%s does not wait for some minutes", machine, name)
				}
				// The first match counts, and the last retrier may match everything.
				ahead := len(s.Retry) > 1 && slices.Contains(s.Retry[1].ErrorEquals, circuitOpen)
				bad.unless(!calls || ahead, "%s/%s has its retrier for CircuitOpen after others", machine, name)
			}),
			Sabotage: func(r *Repo) { r.Machines[compensate].States["VoidPayment"].Retry[1].MaxAttempts = 2 },
		},
		{
			Name: "every error of a saga step leads to compensation",
			Why:  "no compensation: an uncaught error leaves money held and stock reserved",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				if machine == fulfil && undo[name] != "" {
					bad.unless(catchesAll(s), "%s/%s does not catch everything", machine, name)
					for _, c := range s.Catch {
						bad.unless(c.Next == "StartCompensation",
							"%s/%s continues with %s after an error", machine, name, c.Next)
					}
				}
				known := machine != fulfil || undo[name] != "" || name == "StartCompensation"
				bad.unless(known, "%s/%s is not in the table of compensations (undo)", machine, name)
			}),
			Sabotage: func(r *Repo) { r.Machines[fulfil].States["ArrangeShipment"].Catch = nil },
		},
		{
			Name: "compensation undoes every step, in reverse order",
			Why:  "no compensation: a step that failed may have taken effect, so it is undone, too",
			Check: func(r *Repo, bad *list) {
				var want []string
				steps := r.path(fulfil)
				for _, step := range slices.Backward(steps) {
					if u := undo[step]; u != "" && !slices.Contains(want, u) {
						want = append(want, u)
					}
				}
				// An undo of several steps takes the place of the first of these steps.
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
			},
			Sabotage: func(r *Repo) { r.Machines[compensate].States["CancelShipment"].Next = "ReleaseStock" },
		},
		{
			Name: "a compensation retries for long and does not stop others",
			Why:  "an undo that fails must not prevent the others",
			Check: eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
				if machine != compensate {
					return
				}
				for _, retry := range ofFailures(s) {
					persistent := retry.MaxAttempts >= 6 && retry.MaxDelay == 60*time.Second && retry.FullJitter
					bad.unless(persistent && slices.Contains(retry.ErrorEquals, "States.ALL"),
						"%s/%s does not retry for long", machine, name)
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
			Sabotage: func(r *Repo) {
				r.Machines[compensate].States["VoidPayment"].Catch[1].Next = "NeedsAttention"
			},
		},
	}
}

// Names of errors of calls that were not attempted: an open circuit refused the call (package
// resilience), or the function had no free slot.
const (
	circuitOpen = "CircuitOpen"
	throttled   = "Lambda.TooManyRequestsException"
)

// contended lists the steps that write the same item for all orders of a product.
var contended = map[string]bool{"ReserveStock": true, "CommitStock": true}

// waitsMinutes reports whether a retrier waits from shortest up to longest, 15 times.
func waitsMinutes(r asl.Retrier, shortest, longest time.Duration) bool {
	return r.Interval == shortest && r.BackoffRate == 1.5 && r.MaxAttempts == 15 && r.MaxDelay == longest &&
		r.FullJitter
}

// untried reports whether a retrier is for calls that were not attempted.
func untried(retry asl.Retrier) bool {
	return slices.Contains(retry.ErrorEquals, circuitOpen) || slices.Contains(retry.ErrorEquals, throttled)
}

// ofFailures returns a state's retriers for calls that were attempted.
func ofFailures(s *asl.State) []asl.Retrier {
	return slices.DeleteFunc(slices.Clone(s.Retry), untried)
}

// longest is how long a machine may take from a state on, with the longest attempts and waits.
func longest(m *asl.Machine, state string) time.Duration {
	s := m.States[state]
	var rest time.Duration
	for _, next := range s.Successors() {
		rest = max(rest, longest(m, next)) // there are no loops
	}
	return taskTime(s) + rest
}

// How long an unsuccessful attempt takes: an invocation that was refused, and one that failed.
const (
	refusal = time.Second
	failure = 15 * time.Second
)

func taskTime(s *asl.State) time.Duration {
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

func eachTask(check func(r *Repo, bad *list, machine, name string, s *asl.State)) func(*Repo, *list) {
	return func(r *Repo, bad *list) {
		for machine, m := range r.Machines {
			for name, s := range m.States {
				if s.Type == asl.Task {
					check(r, bad, machine, name, s)
				}
			}
		}
		bad.unless(len(r.Machines) == 2, "there are %d state machines", len(r.Machines))
	}
}

// catchesAll reports whether a state catches every error. States.ALL does not cover the other two.
func catchesAll(s *asl.State) bool {
	var caught []string
	for _, c := range s.Catch {
		caught = append(caught, c.ErrorEquals...)
	}
	for _, name := range []string{"States.ALL", "States.DataLimitExceeded", "States.Runtime"} {
		if !slices.Contains(caught, name) {
			return false
		}
	}
	return true
}

// path lists the states of a run in which nothing fails and every choice takes its default.
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

// first is the index of the first step that u undoes.
func first(steps []string, u string) int {
	return slices.IndexFunc(steps, func(step string) bool { return undo[step] == u })
}
