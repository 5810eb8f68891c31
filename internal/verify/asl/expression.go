package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/blues/jsonata-go/jparse"
)

// expression is a JSONata expression of the subset: paths into $states, literals, objects, arrays,
// blocks with local variables, conditionals, ">" and the functions below. The parser is the
// library's. The evaluation is ours, because the library, unlike AWS, treats null and an empty
// array as undefined. Tests compare both.
type expression struct {
	text string
	root jparse.Node
}

// functions maps each function of the subset to its number of arguments.
var functions = map[string]int{"count": 1, "exists": 1, "keys": 1, "lookup": 2, "merge": 1, "string": 1}

// context lists the supported fields of $states.context.
var context = []string{"Execution.Name", "Task.Token"}

func compile(text string, in scope) (e *expression, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's parser panics on some malformed texts
			e, err = nil, fmt.Errorf("%q is not JSONata: %v", text, r)
		}
	}()
	root, err := jparse.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not JSONata: %w", text, err)
	}
	if err := (&checker{scope: in}).check(root); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return &expression{text, root}, nil
}

// checker refuses what is outside the subset or not in scope.
type checker struct {
	scope  scope
	locals []string
}

func (c *checker) check(node jparse.Node) error {
	switch n := node.(type) {
	case *jparse.StringNode, *jparse.NumberNode, *jparse.BooleanNode:
		return nil
	case *jparse.VariableNode:
		if !slices.Contains(c.locals, n.Name) {
			return fmt.Errorf("$%s is not in the subset", n.Name)
		}
		return nil
	case *jparse.PathNode:
		return c.path(n)
	case *jparse.ArrayNode:
		return c.all(n.Items...)
	case *jparse.ObjectNode:
		for _, pair := range n.Pairs {
			if err := c.all(pair[0], pair[1]); err != nil {
				return err
			}
		}
		return nil
	case *jparse.BlockNode:
		inner := &checker{c.scope, slices.Clone(c.locals)}
		return inner.all(n.Exprs...)
	case *jparse.AssignmentNode:
		if n.Name == "states" || functions[n.Name] > 0 {
			return fmt.Errorf("$%s cannot be assigned", n.Name)
		}
		c.locals = append(c.locals, n.Name)
		return c.check(n.Value)
	case *jparse.ConditionalNode:
		if n.Else == nil {
			return fmt.Errorf("a conditional without an alternative is not in the subset")
		}
		return c.all(n.If, n.Then, n.Else)
	case *jparse.ComparisonOperatorNode:
		if n.Type != jparse.ComparisonGreater {
			return fmt.Errorf("the operator %s is not in the subset", n.Type)
		}
		return c.all(n.LHS, n.RHS)
	case *jparse.FunctionCallNode:
		name, ok := n.Func.(*jparse.VariableNode)
		if !ok || functions[name.Name] == 0 {
			return fmt.Errorf("the function %s is not in the subset", n.Func)
		}
		if len(n.Args) != functions[name.Name] {
			return fmt.Errorf("$%s takes %d arguments", name.Name, functions[name.Name])
		}
		return c.all(n.Args...)
	}
	return fmt.Errorf("%s is not in the subset", node)
}

func (c *checker) all(nodes ...jparse.Node) error {
	for _, n := range nodes {
		if err := c.check(n); err != nil {
			return err
		}
	}
	return nil
}

// path allows $states.field.name.name…
func (c *checker) path(n *jparse.PathNode) error {
	names := pathOf(n)
	switch {
	case len(names) < 2 || n.KeepArrays:
		return fmt.Errorf("the path %s is not in the subset", n)
	case !slices.Contains(c.scope, names[1]):
		return fmt.Errorf("$states.%s does not exist here", names[1])
	case names[1] == "context" && !slices.Contains(context, strings.Join(names[2:], ".")):
		return fmt.Errorf("%s is not in the subset", n)
	}
	return nil
}

// pathOf returns the names of a path that begins with $states, or nothing.
func pathOf(n *jparse.PathNode) []string {
	var names []string
	for i, step := range n.Steps {
		switch s := step.(type) {
		case *jparse.VariableNode:
			if i > 0 || s.Name != "states" {
				return nil
			}
			names = append(names, s.Name)
		case *jparse.NameNode:
			if i == 0 {
				return nil
			}
			names = append(names, s.Value)
		default:
			return nil
		}
	}
	return names
}
