package asl

import (
	"fmt"
	"maps"

	"github.com/blues/jsonata-go/jparse"
)

// eval returns the value of the expression, or undefined.
func (e *expression) eval(states map[string]any) (any, error) {
	return (&evaluation{states, map[string]any{}}).of(e.root)
}

type evaluation struct {
	states map[string]any
	locals map[string]any
}

func (ev *evaluation) of(node jparse.Node) (any, error) {
	switch n := node.(type) {
	case *jparse.StringNode:
		return n.Value, nil
	case *jparse.NumberNode:
		return n.Value, nil
	case *jparse.BooleanNode:
		return n.Value, nil
	case *jparse.VariableNode:
		return ev.locals[n.Name], nil
	case *jparse.PathNode:
		return walk(ev.states, pathOf(n)[1:]), nil
	case *jparse.ArrayNode:
		return ev.array(n)
	case *jparse.ObjectNode:
		return ev.object(n)
	case *jparse.BlockNode:
		inner := &evaluation{ev.states, maps.Clone(ev.locals)}
		var last any = undefined{}
		for _, x := range n.Exprs {
			var err error
			if last, err = inner.of(x); err != nil {
				return nil, err
			}
		}
		return last, nil
	case *jparse.AssignmentNode:
		v, err := ev.of(n.Value)
		if err == nil {
			ev.locals[n.Name] = v
		}
		return v, err
	case *jparse.ConditionalNode:
		v, err := ev.of(n.If)
		if err != nil {
			return nil, err
		}
		if truthy(v) {
			return ev.of(n.Then)
		}
		return ev.of(n.Else)
	case *jparse.ComparisonOperatorNode:
		return ev.greater(n)
	case *jparse.FunctionCallNode:
		return ev.call(n)
	}
	return nil, fmt.Errorf("%s is not in the subset", node)
}

// array flattens the values of its items, except nested array constructors.
func (ev *evaluation) array(n *jparse.ArrayNode) (any, error) {
	out := []any{}
	for _, item := range n.Items {
		v, err := ev.of(item)
		if err != nil {
			return nil, err
		}
		_, nested := item.(*jparse.ArrayNode)
		list, isList := v.([]any)
		switch {
		case v == any(undefined{}):
		case isList && !nested:
			out = append(out, list...)
		default:
			out = append(out, v)
		}
	}
	return out, nil
}

// object leaves out undefined members.
func (ev *evaluation) object(n *jparse.ObjectNode) (any, error) {
	out := map[string]any{}
	for _, pair := range n.Pairs {
		k, err := ev.of(pair[0])
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("the key of an object is not a string")
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("the object has a duplicate key %q", key)
		}
		v, err := ev.of(pair[1])
		if err != nil {
			return nil, err
		}
		if v != any(undefined{}) {
			out[key] = v
		}
	}
	return out, nil
}

func (ev *evaluation) greater(n *jparse.ComparisonOperatorNode) (any, error) {
	a, err := ev.of(n.LHS)
	if err != nil {
		return nil, err
	}
	b, err := ev.of(n.RHS)
	if err != nil {
		return nil, err
	}
	if a == any(undefined{}) || b == any(undefined{}) {
		return undefined{}, nil
	}
	if x, ok := a.(float64); ok {
		if y, ok := b.(float64); ok {
			return x > y, nil
		}
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x > y, nil
		}
	}
	return nil, fmt.Errorf("only two numbers or two strings can be compared")
}

// walk follows names from v. As in JSONata, it maps over lists on the way.
func walk(v any, names []string) any {
	items := []any{v}
	for i, name := range names {
		var found []any
		for _, item := range items {
			if r := field(item, name); r != any(undefined{}) {
				found = append(found, r)
			}
		}
		if i == len(names)-1 && len(found) == 1 {
			return found[0]
		}
		items = nil
		for _, r := range found {
			if list, ok := r.([]any); ok {
				items = append(items, list...)
			} else {
				items = append(items, r)
			}
		}
	}
	return sequence(items)
}

func field(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		if r, ok := v[name]; ok {
			return r
		}
	case []any:
		var found []any
		for _, e := range v {
			switch r := field(e, name).(type) {
			case undefined:
			case []any:
				found = append(found, r...)
			default:
				found = append(found, r)
			}
		}
		return sequence(found)
	}
	return undefined{}
}

// sequence returns several results as JSONata does: none is undefined, a single one is itself.
func sequence(items []any) any {
	switch len(items) {
	case 0:
		return undefined{}
	case 1:
		return items[0]
	}
	return items
}
