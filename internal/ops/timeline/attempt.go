package timeline

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// apply applies an event to its step, whose definition has a timeout, or 0.
func (s *Step) apply(e types.HistoryEvent, at time.Time, timeout time.Duration) {
	switch e.Type {
	case types.HistoryEventTypeTaskScheduled:
		resource := ""
		if d := e.TaskScheduledEventDetails; d != nil {
			resource = aws.ToString(d.Resource)
			if n := aws.ToInt64(d.TimeoutInSeconds); n > 0 {
				timeout = time.Duration(n) * time.Second
			}
		}
		s.child = strings.HasSuffix(resource, "startExecution.waitForTaskToken")
		s.schedule(at, strings.HasSuffix(resource, ".waitForTaskToken") && !s.child)
		if timeout > 0 {
			deadline := at.Add(timeout).UTC()
			s.running().Deadline = &deadline
		}
	case types.HistoryEventTypeLambdaFunctionScheduled, types.HistoryEventTypeActivityScheduled:
		s.schedule(at, e.Type == types.HistoryEventTypeActivityScheduled)
	case types.HistoryEventTypeTaskSucceeded, types.HistoryEventTypeLambdaFunctionSucceeded,
		types.HistoryEventTypeActivitySucceeded:
		if a := s.running(); a != nil {
			a.end(Succeeded, at)
		}
	default:
		if f := failureOf(e, s.child); f != nil {
			s.fail(f, at)
		}
	}
}

// schedule begins an attempt. The time since the previous one failed is the wait before the retry.
func (s *Step) schedule(at time.Time, callback bool) {
	if n := len(s.Attempts); n > 0 {
		last := &s.Attempts[n-1]
		last.RetryWait = Millis(at.Sub(last.begin)) - last.Duration
	}
	next := Attempt{Number: len(s.Attempts) + 1, Outcome: Running, Callback: callback, Span: Span{begin: at}}
	s.Attempts = append(s.Attempts, next)
}

// fail ends the attempt. If none is running, evaluating the arguments failed before the attempt was
// scheduled, or evaluating the output failed after it had succeeded.
func (s *Step) fail(f *Failure, at time.Time) {
	a := s.running()
	if a == nil {
		if n := len(s.Attempts); n > 0 && s.Attempts[n-1].Outcome == Succeeded {
			a = &s.Attempts[n-1]
		} else {
			s.schedule(at, false)
			a = s.running()
		}
	}
	a.Failure = f
	if f.Error == "States.Timeout" || f.Error == "Step.Timeout" || f.Error == "States.HeartbeatTimeout" {
		a.end(TimedOut, at)
		return
	}
	a.end(Failed, at)
}

// end ends the attempt.
func (a *Attempt) end(as Outcome, at time.Time) {
	a.Outcome, a.Deadline = as, nil
	a.until(at)
}

// running returns the attempt that has not ended, or nil.
func (s *Step) running() *Attempt {
	if n := len(s.Attempts); n > 0 && s.Attempts[n-1].Outcome == Running {
		return &s.Attempts[n-1]
	}
	return nil
}

// failureOf returns the failure of an attempt that an event records, or nil.
func failureOf(e types.HistoryEvent, child bool) *Failure {
	switch {
	case e.TaskFailedEventDetails != nil && child:
		r := reported(aws.ToString(e.TaskFailedEventDetails.Error), aws.ToString(e.TaskFailedEventDetails.Cause))
		return failed(e.TaskFailedEventDetails.Error, &r.cause)
	case e.TaskFailedEventDetails != nil:
		return failed(e.TaskFailedEventDetails.Error, e.TaskFailedEventDetails.Cause)
	case e.TaskTimedOutEventDetails != nil:
		return failed(e.TaskTimedOutEventDetails.Error, e.TaskTimedOutEventDetails.Cause)
	case e.TaskStartFailedEventDetails != nil:
		return failed(e.TaskStartFailedEventDetails.Error, e.TaskStartFailedEventDetails.Cause)
	case e.TaskSubmitFailedEventDetails != nil:
		return failed(e.TaskSubmitFailedEventDetails.Error, e.TaskSubmitFailedEventDetails.Cause)
	case e.LambdaFunctionFailedEventDetails != nil:
		return failed(e.LambdaFunctionFailedEventDetails.Error, e.LambdaFunctionFailedEventDetails.Cause)
	case e.LambdaFunctionTimedOutEventDetails != nil:
		return failed(e.LambdaFunctionTimedOutEventDetails.Error, e.LambdaFunctionTimedOutEventDetails.Cause)
	case e.LambdaFunctionScheduleFailedEventDetails != nil:
		return failed(e.LambdaFunctionScheduleFailedEventDetails.Error,
			e.LambdaFunctionScheduleFailedEventDetails.Cause)
	case e.LambdaFunctionStartFailedEventDetails != nil:
		return failed(e.LambdaFunctionStartFailedEventDetails.Error, e.LambdaFunctionStartFailedEventDetails.Cause)
	case e.EvaluationFailedEventDetails != nil:
		return failed(e.EvaluationFailedEventDetails.Error, e.EvaluationFailedEventDetails.Cause)
	case e.ActivityFailedEventDetails != nil:
		return failed(e.ActivityFailedEventDetails.Error, e.ActivityFailedEventDetails.Cause)
	case e.ActivityTimedOutEventDetails != nil:
		return failed(e.ActivityTimedOutEventDetails.Error, e.ActivityTimedOutEventDetails.Cause)
	}
	return nil
}
