package prove

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// action is an action on a service: a function runs, dies before its commit, or has another
// function run between its call and its commit; or a change without a step.
type action struct {
	name   string
	dies   bool
	within string
	extra  bool
	waited bool // AuthorizePayment after the wait for the customer
}

func (a action) String() string {
	switch {
	case a.waited:
		a.waited = false
		return a.String() + ", after the wait"
	case a.dies:
		return a.name + " dies before its commit"
	case a.within != "":
		return a.within + " runs before " + a.name + " commits"
	}
	return a.name
}

// effect is the result of an action.
type effect struct {
	world World
	outs  []outcome
	wakes []wake
}

// inModel performs an action in the model.
func inModel(w World, a action) effect {
	e := effect{world: w}
	addWake := func(w *wake) {
		if w != nil {
			e.wakes = append(e.wakes, *w)
		}
	}
	advance := func(v *invocation) (out outcome) {
		out, w := v.advance(&e.world, Sound)
		addWake(w)
		return out
	}
	finish := func(v *invocation) {
		for {
			if out := advance(v); out.over() {
				e.outs = append(e.outs, out)
				return
			}
		}
	}
	if a.extra {
		if a.name == "the customer cancels" {
			e.world.CancelRequested, e.world.Closed = true, true
		}
		for _, h := range happenings {
			if h.name == a.name {
				addWake(h.do(&e.world))
			}
		}
		return e
	}
	fn, _ := functionNamed(a.name)
	v := &invocation{fn: fn, token: 1, waited: a.waited}
	if a.dies || a.within != "" {
		for v.phase != uncommitted {
			if out := advance(v); out.over() { // ends before its commit
				e.outs = append(e.outs, out)
				return e
			}
		}
		if a.dies {
			e.outs = append(e.outs, fails("Transient"))
			return e
		}
		other, _ := functionNamed(a.within)
		finish(&invocation{fn: other, token: 1})
	}
	finish(v)
	return e
}

// inReality performs an action on a real service and reads the resulting world. What it cannot
// observe is taken from the model.
func (r *rig) inReality(t *testing.T, a action, model World) effect {
	e := effect{world: model}
	var inner []outcome
	if a.extra {
		if err := r.extra[a.name](); err != nil {
			t.Fatal(err)
		}
	} else {
		if r.hook != nil {
			r.hook.before = nil
		}
		if a.dies {
			r.hook.before = func() error { return errors.New("killed") }
		}
		if a.within != "" {
			r.hook.before = func() error {
				inner = append(inner, r.invoke(t, a.within, false))
				return nil
			}
		}
		out := r.invoke(t, a.name, a.waited)
		e.outs = append(inner, out)
	}
	r.observe(&e.world)
	if r.wakes != nil {
		e.wakes = r.wakes()
	}
	return e
}

func (e effect) same(o effect) bool {
	return e.world == o.world && slices.Equal(e.outs, o.outs) && slices.Equal(e.wakes, o.wakes)
}

// The services must behave like the model, in every reachable world and for every action.
func TestServicesDoWhatTheModelSays(t *testing.T) {
	for name, make := range map[string]func(*testing.T, World) *rig{
		"inventory": inventoryRig, "payments": paymentsRig, "shipping": shippingRig, "orders": ordersRig,
	} {
		t.Run(name, func(t *testing.T) {
			for _, b := range beginnings {
				begin := b.World
				seen := map[World][]action{begin: nil}
				compared := 0
				for todo := []World{begin}; len(todo) > 0; todo = todo[1:] {
					w := todo[0]
					for _, a := range actions(make(t, begin), w) {
						r := make(t, begin)
						for _, before := range seen[w] {
							r.inReality(t, before, w)
						}
						model := inModel(w, a)
						if real := r.inReality(t, a, model.world); !model.same(real) {
							t.Fatalf("after %v, %s:\nmodel   %+v\nservice %+v", seen[w], a, model, real)
						}
						compared++
						if _, known := seen[model.world]; !known {
							seen[model.world] = append(slices.Clone(seen[w]), a)
							todo = append(todo, model.world)
						}
					}
				}
				t.Logf("%d worlds, %d transitions", len(seen), compared)
				if len(seen) < 2 {
					t.Errorf("only %d worlds", len(seen))
				}
			}
		})
	}
}

// actions lists the possible actions on a service in a world.
func actions(r *rig, w World) (list []action) {
	names := slices.Sorted(maps.Keys(r.functions))
	for _, name := range names {
		list = append(list, action{name: name})
		fn, known := functionNamed(name)
		if !known {
			panic(fmt.Sprintf("no model of %s", name))
		}
		if functions[fn].call == nil {
			continue
		}
		list = append(list, action{name: name, dies: true})
		for _, other := range names {
			list = append(list, action{name: name, within: other})
		}
	}
	if w.Asks && r.extra["the customer authenticates"] != nil {
		for _, a := range slices.Clone(list) {
			if a.waited = true; a.name == "AuthorizePayment" {
				list = append(list, a)
			}
		}
	}
	for _, h := range happenings {
		if r.extra[h.name] != nil && h.can(&w) {
			list = append(list, action{name: h.name, extra: true})
		}
	}
	if r.extra["the customer cancels"] != nil && w.Order == pending && !w.CancelRequested {
		list = append(list, action{name: "the customer cancels", extra: true})
	}
	return list
}

// Every function of the model must belong to a service, or it would not be compared.
func TestEveryFunctionIsCompared(t *testing.T) {
	compared := map[string]bool{}
	for _, make := range []func(*testing.T, World) *rig{inventoryRig, paymentsRig, shippingRig, ordersRig} {
		for name := range make(t, World{}).functions {
			compared[name] = true
		}
	}
	for _, f := range functions {
		if !compared[f.name] {
			t.Errorf("%s is not compared with a real one", f.name)
		}
	}
}
