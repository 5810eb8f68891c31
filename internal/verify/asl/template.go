package asl

import (
	"fmt"
	"slices"
	"strings"
)

// template is a JSON value in which a string "{% … %}" stands for the value of the expression.
type template struct {
	field string // where it is, for messages
	value any    // decoded, with *expression in place of such strings
}

// scope lists the fields of $states that a template may use.
type scope []string

var (
	inArguments = scope{"input", "context"}
	inOutput    = scope{"input", "context", "result"}
	inCatch     = scope{"input", "context", "errorOutput"}
)

func parseTemplate(field string, v any, in scope) (template, error) {
	t, err := compileValue(v, in)
	if err != nil {
		return template{}, fmt.Errorf("%s: %w", field, err)
	}
	return template{field, t}, nil
}

func compileValue(v any, in scope) (any, error) {
	switch v := v.(type) {
	case string:
		if inner, ok := expressionOf(v); ok {
			return compile(inner, in)
		}
		if strings.Contains(v, "{%") || strings.Contains(v, "%}") {
			return nil, fmt.Errorf("%q is not an expression: the whole string must be one", v)
		}
		return v, nil
	case []any:
		v = slices.Clone(v)
		for i, e := range v {
			c, err := compileValue(e, in)
			if err != nil {
				return nil, err
			}
			v[i] = c
		}
		return v, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			c, err := compileValue(e, in)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			m[k] = c
		}
		return m, nil
	}
	return v, nil
}

func expressionOf(s string) (string, bool) {
	if len(s) < 4 || !strings.HasPrefix(s, "{%") || !strings.HasSuffix(s, "%}") {
		return "", false
	}
	return strings.TrimSpace(s[2 : len(s)-2]), true
}

// eval returns the value with every expression evaluated over states.
func (t template) eval(states map[string]any) (any, *failure) {
	return t.fill(t.value, states)
}

func (t template) fill(v any, states map[string]any) (any, *failure) {
	switch v := v.(type) {
	case *expression:
		out, err := v.eval(states)
		if err != nil {
			return nil, failed(ErrQueryEvaluation, "%s: the expression '%s' failed: %s", t.field, v.text, err)
		}
		if out == (any)(undefined{}) {
			return nil, failed(ErrQueryEvaluation, "%s: the expression '%s' is undefined", t.field, v.text)
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			f, err := t.fill(e, states)
			if err != nil {
				return nil, err
			}
			out[i] = f
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			f, err := t.fill(e, states)
			if err != nil {
				return nil, err
			}
			out[k] = f
		}
		return out, nil
	}
	return v, nil
}
