package asl

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/blues/jsonata-go/jparse"
)

// expression returns a value, or undefined, from the fields of $states and the local variables.
type expression func(states, locals map[string]any) (any, error)

// undefined is JSONata's undefined, which is not null.
var undefined any = struct{ undefined bool }{}

// compiler compiles templates and the subset of JSONata: paths into $states, literals, objects,
// arrays, blocks with local variables, conditionals, ">", "&" and the functions below. It refuses
// everything else. The parser is the library's. The evaluation is ours, because the library, unlike
// AWS, treats null and an empty array as undefined. Tests compare both.
type compiler struct {
	scope  []string // the fields of $states that exist here
	locals []string
	reads  map[string]bool // the fields of $states.input that are named
}

// template is a JSON value in which a string "{% … %}" stands for an expression's value.
type template struct {
	field string // where it is, for messages
	value expression
	reads map[string]bool // the fields of $states.input that it names
}

func newTemplate(field string, v any, scope ...string) (template, error) {
	c := &compiler{scope: scope, reads: map[string]bool{}}
	value, err := c.value(v)
	if err != nil {
		return template{}, fmt.Errorf("%s: %w", field, err)
	}
	return template{field, value, c.reads}, nil
}

func (t template) eval(states map[string]any) (any, *failure) {
	v, err := t.value(states, map[string]any{})
	if err != nil {
		return nil, failed(ErrQueryEvaluation, "%s: %s", t.field, err)
	}
	return v, nil
}

var context = []string{"Execution.Name", "State.EnteredTime", "State.RetryCount", "Task.Token"}

func (c *compiler) value(v any) (expression, error) {
	switch v := v.(type) {
	case string:
		if text, ok := expressionOf(v); ok {
			return c.text(text)
		}
		if strings.Contains(v, "{%") || strings.Contains(v, "%}") {
			return nil, fmt.Errorf("%q is not an expression: the whole string must be one", v)
		}
	case []any:
		return combine(v, c.value, func(items []any) (any, error) { return items, nil })
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		values := make([]any, len(keys))
		for i, k := range keys {
			values[i] = v[k]
		}
		return combine(values, c.value, object(keys))
	}
	return literal(v)
}

func expressionOf(s string) (string, bool) {
	if len(s) < 4 || !strings.HasPrefix(s, "{%") || !strings.HasSuffix(s, "%}") {
		return "", false
	}
	return strings.TrimSpace(s[2 : len(s)-2]), true
}

// text compiles an expression of a template, where undefined is an error.
func (c *compiler) text(text string) (expression, error) {
	e, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	return func(states, locals map[string]any) (any, error) {
		v, err := e(states, locals)
		if err != nil {
			return nil, fmt.Errorf("the expression '%s' failed: %w", text, err)
		}
		if v == undefined {
			return nil, fmt.Errorf("the expression '%s' is undefined", text)
		}
		return v, nil
	}, nil
}

func (c *compiler) parse(text string) (e expression, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's parser panics on some malformed texts
			e, err = nil, fmt.Errorf("%q is not JSONata: %v", text, r)
		}
	}()
	root, err := jparse.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not JSONata: %w", text, err)
	}
	if e, err = c.node(root); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return e, nil
}

func (c *compiler) node(node jparse.Node) (expression, error) {
	switch n := node.(type) {
	case *jparse.StringNode:
		return literal(n.Value)
	case *jparse.NumberNode:
		return literal(n.Value)
	case *jparse.BooleanNode:
		return literal(n.Value)
	case *jparse.PathNode:
		return c.path(n)
	case *jparse.ArrayNode:
		return combine(n.Items, c.node, array)
	case *jparse.ObjectNode:
		return c.object(n)
	case *jparse.ConditionalNode:
		return c.conditional(n)
	case *jparse.ComparisonOperatorNode:
		if n.Type != jparse.ComparisonGreater {
			return nil, fmt.Errorf("the operator %s is not in the subset", n.Type)
		}
		return combine([]jparse.Node{n.LHS, n.RHS}, c.node, greater)
	case *jparse.StringConcatenationNode:
		return combine([]jparse.Node{n.LHS, n.RHS}, c.node, concatenate)
	case *jparse.FunctionCallNode:
		name, ok := n.Func.(*jparse.VariableNode)
		if !ok || functions[name.Name].apply == nil {
			return nil, fmt.Errorf("the function %s is not in the subset", n.Func)
		}
		f := functions[name.Name]
		if len(n.Args) != f.arguments {
			return nil, fmt.Errorf("$%s takes %d arguments", name.Name, f.arguments)
		}
		return combine(n.Args, c.node, f.apply)
	case *jparse.BlockNode:
		inner := &compiler{c.scope, slices.Clone(c.locals), c.reads}
		block, err := combine(n.Exprs, inner.node, func(values []any) (any, error) {
			return append([]any{undefined}, values...)[len(values)], nil
		})
		return func(states, locals map[string]any) (any, error) { return block(states, maps.Clone(locals)) }, err
	case *jparse.AssignmentNode:
		if n.Name == "states" || functions[n.Name].apply != nil {
			return nil, fmt.Errorf("$%s cannot be assigned", n.Name)
		}
		value, err := c.node(n.Value)
		c.locals = append(c.locals, n.Name)
		return func(states, locals map[string]any) (any, error) {
			v, err := value(states, locals)
			locals[n.Name] = v
			return v, err
		}, err
	case *jparse.VariableNode:
		if slices.Contains(c.locals, n.Name) {
			return func(_, locals map[string]any) (any, error) { return locals[n.Name], nil }, nil
		}
	}
	return nil, fmt.Errorf("%s is not in the subset", node)
}

func literal(v any) (expression, error) {
	return func(_, _ map[string]any) (any, error) { return v, nil }, nil
}

// combine compiles parts and applies f to their values.
func combine[T any](parts []T, compile func(T) (expression, error), f func([]any) (any, error)) (expression, error) {
	compiled := make([]expression, len(parts))
	for i, p := range parts {
		var err error
		if compiled[i], err = compile(p); err != nil {
			return nil, err
		}
	}
	return func(states, locals map[string]any) (any, error) {
		values := make([]any, len(compiled))
		for i, e := range compiled {
			var err error
			if values[i], err = e(states, locals); err != nil {
				return nil, err
			}
		}
		return f(values)
	}, nil
}

// path compiles $states.field.name.name… Names lead through objects only.
func (c *compiler) path(n *jparse.PathNode) (expression, error) {
	var names []string
	for _, step := range n.Steps {
		if name, ok := step.(*jparse.NameNode); ok {
			names = append(names, name.Value)
		}
	}
	root, ok := n.Steps[0].(*jparse.VariableNode)
	switch {
	case !ok || root.Name != "states" || len(names) == 0 || len(names) != len(n.Steps)-1 || n.KeepArrays:
		return nil, fmt.Errorf("the path %s is not in the subset", n)
	case !slices.Contains(c.scope, names[0]):
		return nil, fmt.Errorf("$states.%s does not exist here", names[0])
	case names[0] == "context" && !slices.Contains(context, strings.Join(names[1:], ".")):
		return nil, fmt.Errorf("%s is not in the subset", n)
	case names[0] == "input" && len(names) > 1:
		c.reads[names[1]] = true
	}
	return func(states, _ map[string]any) (any, error) {
		var v any = states
		for _, name := range names {
			if _, list := v.([]any); list {
				return nil, errors.New("a path through a list is not in the subset")
			}
			v = field(v, name)
		}
		return v, nil
	}, nil
}

func field(v any, name string) any {
	object, _ := v.(map[string]any)
	if r, ok := object[name]; ok {
		return r
	}
	return undefined
}

func (c *compiler) object(n *jparse.ObjectNode) (expression, error) {
	var keys []string
	var values []jparse.Node
	for _, pair := range n.Pairs {
		key, ok := pair[0].(*jparse.StringNode)
		if !ok || slices.Contains(keys, key.Value) {
			return nil, fmt.Errorf("the keys of %s are not different literals", n)
		}
		keys, values = append(keys, key.Value), append(values, pair[1])
	}
	return combine(values, c.node, object(keys))
}

// object makes an object of those values that are defined.
func object(keys []string) func([]any) (any, error) {
	return func(values []any) (any, error) {
		out := map[string]any{}
		for i, v := range values {
			if v != undefined {
				out[keys[i]] = v
			}
		}
		return out, nil
	}
}

// array makes a list of those values that are defined. JSONata would flatten lists in it.
func array(values []any) (any, error) {
	for _, v := range values {
		if _, list := v.([]any); list {
			return nil, errors.New("a list in a list is not in the subset")
		}
	}
	return slices.DeleteFunc(values, func(v any) bool { return v == undefined }), nil
}

func (c *compiler) conditional(n *jparse.ConditionalNode) (expression, error) {
	if n.Else == nil {
		return nil, errors.New("a conditional without an alternative is not in the subset")
	}
	condition, err1 := c.node(n.If)
	then, err2 := c.node(n.Then)
	otherwise, err3 := c.node(n.Else)
	return func(states, locals map[string]any) (any, error) {
		v, err := condition(states, locals)
		holds, ok := v.(bool)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, errors.New("a condition that is not a Boolean is not in the subset")
		case holds:
			return then(states, locals)
		}
		return otherwise(states, locals)
	}, errors.Join(err1, err2, err3)
}

func greater(values []any) (any, error) {
	a, ok1 := values[0].(float64)
	b, ok2 := values[1].(float64)
	switch {
	case ok1 && ok2:
		return a > b, nil
	case slices.Contains(values, undefined):
		return undefined, nil
	}
	return nil, errors.New("only comparisons of numbers are in the subset")
}

// concatenate joins strings and small whole numbers; undefined is the empty string.
func concatenate(values []any) (any, error) {
	text := ""
	for _, v := range values {
		switch v := v.(type) {
		case string:
			text += v
			continue
		case float64:
			if v >= 0 && v < 1e6 && v == math.Trunc(v) {
				text += strconv.Itoa(int(v))
				continue
			}
		}
		if v != undefined {
			return nil, errors.New("only & of strings and small whole numbers is in the subset")
		}
	}
	return text, nil
}

// functions are the functions of the subset. All but $exists and $count return undefined for
// undefined.
var functions = map[string]struct {
	arguments int
	apply     func(values []any) (any, error)
}{
	"exists": {1, func(values []any) (any, error) { return values[0] != undefined, nil }},
	"count": {1, func(values []any) (any, error) {
		if list, ok := values[0].([]any); ok {
			return float64(len(list)), nil
		}
		if values[0] == undefined {
			return 0.0, nil
		}
		return 1.0, nil
	}},
	"lookup": {2, func(values []any) (any, error) {
		key, ok := values[1].(string)
		object, defined := values[0].(map[string]any)
		switch {
		case values[0] == undefined, ok && defined:
			return field(object, key), nil
		case values[1] == undefined:
			return undefined, nil
		}
		return nil, errors.New("$lookup needs an object and a string as key")
	}},
	// keys sorts; JSONata guarantees no order.
	"keys": {1, func(values []any) (any, error) {
		object, _ := values[0].(map[string]any)
		var keys []any
		for _, k := range slices.Sorted(maps.Keys(object)) {
			keys = append(keys, k)
		}
		switch len(keys) {
		case 0:
			return undefined, nil
		case 1:
			return keys[0], nil
		}
		return keys, nil
	}},
	"merge": {1, func(values []any) (any, error) {
		if values[0] == undefined {
			return undefined, nil
		}
		list, ok := values[0].([]any)
		out := map[string]any{}
		for _, v := range list {
			object, isObject := v.(map[string]any)
			ok = ok && isObject
			maps.Copy(out, object)
		}
		if !ok {
			return nil, errors.New("$merge needs a list of objects")
		}
		return out, nil
	}},
	"substring": {3, func(values []any) (any, error) {
		text, ok1 := values[0].(string)
		from, ok2 := values[1].(float64)
		length, ok3 := values[2].(float64)
		if values[0] == undefined {
			return undefined, nil
		}
		if !ok1 || !ok2 || !ok3 || from < 0 || length < 0 {
			return nil, errors.New("only $substring of a string from its beginning on is in the subset")
		}
		runes := []rune(text)
		runes = runes[min(int(from), len(runes)):]
		return string(runes[:min(int(length), len(runes))]), nil
	}},
	"substringBefore": {2, atFirst("substringBefore", func(before, _ string) string { return before })},
	"substringAfter":  {2, atFirst("substringAfter", func(_, after string) string { return after })},
	// string returns a string unchanged and an object of strings as JSON. JSONata would round
	// numbers.
	"string": {1, func(values []any) (any, error) {
		if _, ok := values[0].(string); ok || values[0] == undefined {
			return values[0], nil
		}
		object, ok := values[0].(map[string]any)
		for _, v := range object {
			_, isString := v.(string)
			ok = ok && isString
		}
		b, bad := encode(object)
		if !ok || bad != nil {
			return nil, errors.New("only $string of a string or of an object of strings is in the subset")
		}
		return string(b), nil
	}},
}

// atFirst returns a function that cuts a text at the first occurrence of another. A text without it
// is returned whole.
func atFirst(name string, part func(before, after string) string) func(values []any) (any, error) {
	return func(values []any) (any, error) {
		text, ok1 := values[0].(string)
		at, ok2 := values[1].(string)
		if values[0] == undefined {
			return undefined, nil
		}
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("$%s needs strings", name)
		}
		before, after, found := strings.Cut(text, at)
		if !found {
			return text, nil
		}
		return part(before, after), nil
	}
}
