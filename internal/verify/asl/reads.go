package asl

import (
	"maps"
	"slices"

	"github.com/blues/jsonata-go/jparse"
)

// Reads lists the fields of the input by name on which the way of an execution can depend: those that a condition of a
// Choice or an Output names. What is only handed on, to functions or as a part of the whole input, is not among them.
func (m *Machine) Reads() []string {
	fields := map[string]bool{}
	for _, s := range m.States {
		note(s.output.value, fields)
		for _, b := range s.Choices {
			note(b.condition.value, fields)
		}
		for _, c := range s.Catch {
			note(c.output.value, fields)
		}
	}
	return slices.Sorted(maps.Keys(fields))
}

func note(v any, fields map[string]bool) {
	switch v := v.(type) {
	case *expression:
		noteNode(v.root, fields)
	case []any:
		for _, e := range v {
			note(e, fields)
		}
	case map[string]any:
		for _, e := range v {
			note(e, fields)
		}
	}
}

func noteNode(node jparse.Node, fields map[string]bool) {
	if path, ok := node.(*jparse.PathNode); ok {
		if names := pathOf(path); names[1] == "input" && len(names) > 2 {
			fields[names[2]] = true
		}
		return
	}
	for _, n := range children(node) {
		noteNode(n, fields)
	}
}

// children lists the nodes below one of the subset, but for paths.
func children(node jparse.Node) []jparse.Node {
	switch n := node.(type) {
	case *jparse.ArrayNode:
		return n.Items
	case *jparse.ObjectNode:
		var all []jparse.Node
		for _, pair := range n.Pairs {
			all = append(all, pair[0], pair[1])
		}
		return all
	case *jparse.BlockNode:
		return n.Exprs
	case *jparse.AssignmentNode:
		return []jparse.Node{n.Value}
	case *jparse.ConditionalNode:
		return []jparse.Node{n.If, n.Then, n.Else}
	case *jparse.ComparisonOperatorNode:
		return []jparse.Node{n.LHS, n.RHS}
	case *jparse.FunctionCallNode:
		return n.Args
	}
	return nil
}
