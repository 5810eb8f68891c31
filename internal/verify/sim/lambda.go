package sim

import (
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// throttled is the error if a function has no free slot. The call was not attempted.
const throttled = "Lambda.TooManyRequestsException"

// full reports whether a function has no free slot.
func (w *World) full(function string) bool {
	if w.slots == 0 || w.busy[function] < w.slots {
		return false
	}
	w.reach("a burst found no free slot")
	return true
}

// step has Step Functions call a function. done gets the answer or the name of an error, once.
func (w *World) step(function, order string, payload []byte, done func(out []byte, errorName, cause string)) {
	reply := func(out []byte, err error) {
		var named messages.InvokeResponse_Error
		switch {
		case err == nil:
			done(out, "", "")
		case errors.As(err, &named):
			done(nil, named.Type, named.Message)
		default:
			done(nil, "Lambda.Unknown", err.Error())
		}
	}
	lost := func(after time.Duration, name string) {
		w.after(after, func() { done(nil, name, "simulated") })
	}
	switch {
	case w.full(function):
		lost(w.between(10*time.Millisecond, 50*time.Millisecond), throttled)
		return
	case w.strikes(callThrottled):
		lost(time.Second, throttled)
		return
	case w.strikes(callLost):
		lost(time.Second, "Lambda.SdkClientException")
		return
	case w.strikes(callUnheard):
		w.note(order, "%s: answer will be lost", function)
		w.invoke(function, order, payload, func([]byte, error) {})
		lost(w.between(time.Millisecond, 5*time.Second), "Lambda.ServiceException")
		return
	case w.strikes(callTwice):
		w.after(w.between(0, 10*time.Minute), func() {
			w.note(order, "%s is called a second time", function)
			w.invoke(function, order, payload, func(_ []byte, err error) {
				if err == nil {
					w.reach("a late duplicate was answered with the first result")
				}
			})
		})
	}
	w.invoke(function, order, payload, reply)
}

// sawEnd records how an invocation ended, even if nobody waits for it.
func (w *World) sawEnd(inv *invocation) {
	if inv.reply == nil && inv.undead {
		w.reach("a zombie ran to its end")
	}
	var named messages.InvokeResponse_Error
	if errors.As(inv.err, &named) && named.Type == "StepCompensated" {
		w.reach("dangling: " + inv.function + " was refused after its undo")
	}
}
