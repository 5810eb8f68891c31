package asl

import (
	"maps"
	"slices"

	"github.com/blues/jsonata-go/jparse"
)

// Reads lists the input fields that can affect the control flow: those that a condition or an
// Output names. Fields that are only passed on, to functions or within the whole input, are not
// included.
func (m *Machine) Reads() []string {
	fields := map[string]bool{}
	for _, s := range m.States {
		addFields(s.output.value, fields)
		for _, b := range s.Choices {
			addFields(b.condition.value, fields)
		}
		for _, c := range s.Catch {
			addFields(c.output.value, fields)
		}
	}
	return slices.Sorted(maps.Keys(fields))
}

func addFields(v any, fields map[string]bool) {
	switch v := v.(type) {
	case *expression:
		addNodeFields(v.root, fields)
	case []any:
		for _, e := range v {
			addFields(e, fields)
		}
	case map[string]any:
		for _, e := range v {
			addFields(e, fields)
		}
	}
}

func addNodeFields(node jparse.Node, fields map[string]bool) {
	if path, ok := node.(*jparse.PathNode); ok {
		if names := pathOf(path); names[1] == "input" && len(names) > 2 {
			fields[names[2]] = true
		}
		return
	}
	for _, n := range children(node) {
		addNodeFields(n, fields)
	}
}

// children lists the children of a node, except of paths.
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
