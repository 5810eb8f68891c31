package sim

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/tracing"
)

// timeout is that of every function; see template.yaml.
const timeout = 10 * time.Second

// trace is the one trace of a world. Without one each invocation would begin its own, by the machine's randomness.
const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// What a caller is told of an invocation that never answered.
var (
	errCrashed  = messages.InvokeResponse_Error{Type: "Lambda.Unknown", Message: "the process ended"}
	errTimedOut = messages.InvokeResponse_Error{Type: "Sandbox.Timedout", Message: "the function ran into its timeout"}
)

// invocation is one run of a function: a coroutine that gives up control wherever the real one would wait
// for an answer. The scheduler decides when it goes on, or that it never does.
type invocation struct {
	w        *World
	function string
	order    string
	next     func() (arrange func(resume func()), more bool)
	stop     func()
	yield    func(arrange func(resume func())) bool
	reply    func([]byte, error)
	// newer tells that it is of the newer version of the code.
	newer bool
	// undead lets it go on after its caller was told of its timeout.
	undead bool
	over   bool
	// slot: it counts against the function's slots, which a zombie does not.
	slot bool
	out  []byte
	err  error
	// mail is the one that it sent and has not marked as sent yet.
	mail *mail
}

// deadline is a context that ends in virtual time: it says when, but no timer of the machine's runs by it.
type deadline struct {
	context.Context
	at time.Time
}

// Deadline is part of context.Context.
func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

// killed unwinds a coroutine that ends here.
type killed struct{}

// invoke runs a function and calls reply once: with its answer, or when it crashed or timed out. order is for the timeline.
func (w *World) invoke(function, order string, payload []byte, reply func([]byte, error)) {
	h := w.functions[function]
	if h == nil {
		w.violate("the world is whole", order, "there is no function %s", function)
		return
	}
	inv := &invocation{w: w, function: function, order: order, reply: reply, slot: true}
	w.busy[function]++
	inv.next, inv.stop = iter.Pull(func(yield func(func(func())) bool) {
		inv.yield = yield
		defer func() {
			switch p := recover().(type) {
			case nil, killed:
			default:
				inv.err = errCrashed
				w.violate("no function panics", order, "%s: %v", function, p)
			}
		}()
		inv.out, inv.err = h.Invoke(tracing.With(deadline{context.Background(), w.now.Add(timeout)}, trace), payload)
	})
	inv.newer = w.versions.newer()
	w.after(timeout, func() {
		if !inv.over && inv.reply != nil {
			w.note(inv.order, "%s times out", function)
			inv.answer(nil, errTimedOut)
			inv.free()
			if !inv.undead {
				inv.kill()
			}
		}
	})
	w.after(w.between(time.Millisecond, 50*time.Millisecond), inv.resume)
}

// resume lets the coroutine run to where it waits next.
func (inv *invocation) resume() {
	if inv.over {
		return
	}
	inv.w.running = inv
	arrange, more := inv.next()
	inv.w.running = nil
	if more {
		arrange(inv.resume)
		return
	}
	inv.end()
	inv.w.sawEnd(inv)
	inv.answer(inv.out, inv.err)
}

// answer tells the caller, unless it was told before.
func (inv *invocation) answer(out []byte, err error) {
	if reply := inv.reply; reply != nil {
		inv.reply = nil
		reply(out, err)
	}
}

// kill ends the coroutine where it waits.
func (inv *invocation) kill() {
	inv.end()
	inv.stop()
}

func (inv *invocation) end() {
	inv.over = true
	inv.free()
}

// free gives its slot back.
func (inv *invocation) free() {
	if inv.slot {
		inv.slot = false
		inv.w.busy[inv.function]--
	}
}

// pause suspends the running function until arrange has it resumed. Outside of functions (when the
// world is prepared or looked at) it does nothing.
func (w *World) pause(arrange func(resume func())) {
	if inv := w.running; inv != nil && !inv.yield(arrange) {
		panic(killed{})
	}
}

// wait suspends the running function for d.
func (w *World) wait(d time.Duration) {
	w.pause(func(resume func()) { w.after(d, resume) })
}

// breathe is the time that a call takes. Others run meanwhile.
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

// crash ends the running function here, if the fault strikes.
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

// fails makes the error of an AWS call that a fault spoiled.
func fails(kind Fault) error { return fmt.Errorf("simulated: %s", kind) }
