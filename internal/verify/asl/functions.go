package asl

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/blues/jsonata-go/jparse"
)

// call applies a function of the subset. The checker has verified its name and number of arguments.
func (ev *evaluation) call(n *jparse.FunctionCallNode) (any, error) {
	args := make([]any, len(n.Args))
	for i, a := range n.Args {
		v, err := ev.of(a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	name := n.Func.(*jparse.VariableNode).Name
	none := args[0] == any(undefined{})
	switch {
	case name == "exists":
		return !none, nil
	case name == "count":
		if list, ok := args[0].([]any); ok {
			return float64(len(list)), nil
		}
		if none {
			return 0.0, nil
		}
		return 1.0, nil
	case none:
		return undefined{}, nil
	case name == "keys":
		return keysOf(args[0]), nil
	case name == "lookup":
		key, ok := args[1].(string)
		if !ok && args[1] != any(undefined{}) {
			return nil, fmt.Errorf("$lookup needs a string as key")
		}
		return field(args[0], key), nil
	case name == "merge":
		return merge(args[0])
	case name == "string":
		return text(args[0])
	}
	return nil, fmt.Errorf("$%s is not in the subset", name)
}

// keysOf lists the keys of an object alphabetically; JSONata guarantees no order.
func keysOf(v any) any {
	object, _ := v.(map[string]any)
	var keys []any
	for _, k := range slices.Sorted(maps.Keys(object)) {
		keys = append(keys, k)
	}
	return sequence(keys)
}

// merge merges objects; the last value of a key wins.
func merge(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := map[string]any{}
	for _, e := range list {
		object, ok := e.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("$merge needs objects")
		}
		maps.Copy(out, object)
	}
	return out, nil
}

// text returns a string unchanged and any other value as JSON with 15 significant digits.
func text(v any) (any, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, fail := encode(rounded(v))
	if fail != nil {
		return nil, fmt.Errorf("%s", fail.cause)
	}
	return string(b), nil
}

func rounded(v any) any {
	switch v := v.(type) {
	case float64:
		r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64)
		if err != nil {
			return v
		}
		return r
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = rounded(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = rounded(e)
		}
		return out
	}
	return v
}

// truthy is JSONata's cast to a Boolean.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0
	case map[string]any:
		return len(v) > 0
	case []any:
		return slices.ContainsFunc(v, truthy)
	}
	return false // null, undefined
}
