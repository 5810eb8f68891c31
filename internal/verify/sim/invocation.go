package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/tracing"
)

// timeout is the timeout of every function of the core; see template.yaml.
const timeout = 10 * time.Second

// trace is the only trace of a world. Otherwise each invocation would start one with a random id.
const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// Errors that the caller gets if an invocation does not answer.
var (
	errCrashed  = messages.InvokeResponse_Error{Type: "Lambda.Unknown", Message: "the process ended"}
	errTimedOut = messages.InvokeResponse_Error{Type: "Sandbox.Timedout", Message: "the function timed out"}
)

// invocation is one run of a function: a coroutine that yields wherever the real function would
// wait for an answer. The scheduler decides whether and when it continues.
type invocation struct {
	w        *World
	function string
	order    string
	run      func()
	on       *coroutine // nil before it begins
	reply    func([]byte, error)
	newer    bool // runs the newer version of the code
	undead   bool // continues after its timeout
	over     bool
	out      []byte
	err      error
	mail     *mail     // sent and not yet marked as sent
	wrote    time.Time // last write; a sender's is its claim of the mail
}

// killed is panicked with to unwind a coroutine.
type killed struct{}

// invoke runs a function and calls reply once: with its answer, or when it crashed or timed out.
// order is for the timeline.
func (w *World) invoke(function, order string, payload []byte, reply func([]byte, error)) {
	h := w.functions[function]
	if h == nil {
		w.violate("the world is whole", order, "unknown function %s", function)
		return
	}
	inv := &invocation{w: w, function: function, order: order, reply: reply}
	limit := timeout
	if w.brokers != nil {
		limit = cmp.Or(w.brokers.timeouts[function], limit)
	}
	w.busy[function]++
	inv.run = func() {
		defer func() {
			switch p := recover().(type) {
			case nil, killed:
			default:
				inv.err = errCrashed
				w.violate("no function panics", order, "%s: %v", function, p)
			}
		}()
		bounded := deadline.By(context.Background(), w, w.now.Add(limit)) // no real timer runs
		inv.out, inv.err = h.Invoke(tracing.With(bounded, trace), payload)
	}
	inv.newer = w.versions.newer()
	w.after(limit, func() {
		if !inv.over && inv.reply != nil {
			w.note(inv.order, "%s times out", function)
			inv.answer(nil, errTimedOut)
			if !inv.undead {
				inv.kill()
			}
		}
	})
	w.after(w.between(time.Millisecond, 50*time.Millisecond), inv.resume)
}

func (inv *invocation) resume() {
	if inv.over {
		return
	}
	if inv.on == nil {
		inv.on = inv.w.coroutine(inv.run)
	}
	inv.w.running = inv
	arrange, _ := inv.on.next()
	inv.w.running = nil
	if arrange != nil {
		arrange(inv.resume)
		return
	}
	inv.end()
	inv.w.sawEnd(inv)
	inv.answer(inv.out, inv.err)
}

// answer answers the caller once. A zombie does not count against the function's slots.
func (inv *invocation) answer(out []byte, err error) {
	if reply := inv.reply; reply != nil {
		inv.reply = nil
		inv.w.busy[inv.function]--
		reply(out, err)
	}
}

// kill ends the function where it waits.
func (inv *invocation) kill() {
	inv.over = true
	if inv.on != nil {
		inv.on.next()
		inv.end()
	}
}

func (inv *invocation) end() {
	inv.over = true
	inv.w.idle = append(inv.w.idle, inv.on)
}

// pause suspends the running function until arrange resumes it. It does nothing outside functions,
// when the world is prepared or checked.
func (w *World) pause(arrange func(resume func())) {
	if inv := w.running; inv != nil && (!inv.on.yield(arrange) || inv.over) {
		panic(killed{})
	}
}

func (w *World) wait(d time.Duration) {
	w.pause(func(resume func()) { w.after(d, resume) })
}

// breathe takes the time of a call, in which others run.
func (w *World) breathe() {
	if w.running == nil {
		return
	}
	switch d := w.between(time.Millisecond, 40*time.Millisecond); {
	case w.strikes(slow):
		w.wait(w.between(time.Second, 15*time.Second))
	case w.strikes(zombie):
		w.running.undead = true
		w.wait(w.between(timeout, 5*time.Minute))
	default:
		w.wait(d)
	}
}

// crash ends the running function if the fault strikes.
func (w *World) crash(kind Fault) {
	if w.running == nil || !w.strikes(kind) {
		return
	}
	inv := w.running
	w.pause(func(func()) {
		w.note(inv.order, "%s: %s", inv.function, kind)
		inv.kill()
		inv.answer(nil, errCrashed)
	})
}

// fails returns the error of a call that a fault strikes. Calls outside functions do not fail.
func (w *World) fails(kind Fault) error {
	if w.running != nil && w.strikes(kind) {
		return fmt.Errorf("simulated: %s", kind)
	}
	return nil
}

// remote makes a call to AWS, which may be refused, or take effect without an answer.
func (w *World) remote(refused, unheard Fault, do func() error) error {
	w.breathe()
	if err := w.fails(refused); err != nil {
		return err
	}
	err := do()
	w.crash(crashAfter)
	if err == nil {
		err = w.fails(unheard)
	}
	return err
}

// throttled is the error if a function has no free slot. The call was not attempted.
const throttled = "Lambda.TooManyRequestsException"

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
