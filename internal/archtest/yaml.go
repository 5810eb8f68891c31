package archtest

import (
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads a YAML document; CloudFormation's short intrinsics (!Ref x) come out in
// their long form ({"Ref": "x"}).
func readYAML(path string) (map[string]any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	m, _ := plain(doc.Content[0]).(map[string]any)
	return m, nil
}

func plain(n *yaml.Node) any {
	var v any
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		v = list
	default:
		v = scalar(n)
	}
	switch {
	case n.Tag == "!Ref":
		return map[string]any{"Ref": v}
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		return map[string]any{"Fn::" + n.Tag[1:]: v}
	}
	return v
}

func scalar(n *yaml.Node) any {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return n.Value
	}
	var v any
	if n.Decode(&v) != nil {
		return n.Value
	}
	return v
}

// dig follows keys through nested maps; nil where there is nothing.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// text renders what an intrinsic refers to: "X" for {"Ref": "X"}, "X.Arn" for GetAtt, the pattern for Sub.
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
