// Package asl interprets the subset of the Amazon States Language that our state machines use.
// Package workflow executes them with it. Tests, the simulation and the exhaustive search prove
// them with it.
//
// The subset is exactly what statemachines/*.asl.json use: JSONata; the states Task, Choice,
// Succeed and Fail; the tasks lambda:invoke and states:startExecution, both also with
// waitForTaskToken, and sendTaskSuccess and sendTaskFailure of the SDK; Arguments, Output, Retry,
// Catch, End and timeouts. Parse refuses everything else, including unknown fields and functions,
// because the proofs do not cover it. Some restrictions depend on values and fail at evaluation:
// paths through lists, lists in lists, conditions that are not Booleans, comparisons of values
// other than numbers, $string of more than strings.
//
// An [Execution] has no goroutine and no randomness, and a clock only if its machine was given one
// (see [Machine.Hosted]). It returns what it waits for (see [Effect]) and continues when the driver
// answers:
//
//	x := machine.Start("01J…", input)
//	for {
//		switch e := x.Next().(type) {
//		case asl.Invoke:         // call e.Function, then x.Succeed or x.Fail
//		case asl.Sleep:          // wait at least e.Min and at most e.Max, then x.Wake
//		case asl.StartExecution: // start another machine, then x.Succeed or x.Fail
//		case asl.AnswerTask:     // answer whoever waits for e.Token, then x.Succeed or x.Fail
//		case asl.Done:           // the end
//		}
//	}
//
// The interpreter does not model what nothing here depends on: heartbeats, event quotas, the fields
// that Step Functions adds to a task's result besides the payload, and $states.context beyond
// Execution.Name, State.EnteredTime, State.RetryCount and Task.Token.
//
// A driver stores [Execution.Position] to continue later with [Machine.Resume].
package asl
