package arch

// text returns what an intrinsic refers to: "X" for {"Ref": "X"}, "X.Arn" for GetAtt, the text of a
// Sub.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		for _, k := range []string{"Ref", "Fn::GetAtt", "Fn::Sub"} {
			if s, ok := v[k].(string); ok {
				return s
			}
		}
	}
	return ""
}

// walk visits v and everything in it.
func walk(v any, visit func(any)) {
	visit(v)
	switch v := v.(type) {
	case map[string]any:
		for _, c := range v {
			walk(c, visit)
		}
	case []any:
		for _, c := range v {
			walk(c, visit)
		}
	}
}

// texts returns all strings in v.
func texts(v any) (all []string) {
	walk(v, func(v any) {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	})
	return all
}
