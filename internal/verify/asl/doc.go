// Package asl interprets the subset of the Amazon States Language that our state machines are written in. Tests, the
// simulation and the exhaustive search run the real definitions through it.
//
// The subset is what statemachines/*.asl.json use and no more: JSONata only; the states Task, Choice, Succeed and Fail;
// the tasks lambda:invoke, lambda:invoke.waitForTaskToken and states:startExecution; Arguments, Output, Retry, Catch
// and timeouts. Parse refuses everything else, an unknown field or function included, so whoever writes
// something new learns here that the proofs do not cover it yet.
//
// An [Execution] has no clock, no goroutine and no randomness. It says what it wants (see [Effect]), and
// goes on when it is answered:
//
//	x := machine.Start("01J…", input)
//	for {
//		switch e := x.Next().(type) {
//		case asl.Invoke:         // call e.Function, then x.Succeed or x.Fail
//		case asl.Sleep:          // wait at least e.Min and at most e.Max, then x.Wake
//		case asl.StartExecution: // start another machine, then x.Succeed or x.Fail
//		case asl.Done:           // the end
//		}
//	}
//
// What is not modelled, since nothing here depends on it: heartbeats, quotas of events, what Step Functions adds to the
// result of a task besides its payload, and $states.context beyond Execution.Name and Task.Token.
package asl
