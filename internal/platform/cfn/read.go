// Package cfn reads CloudFormation templates and evaluates parameters, conditions and references as
// a deployment would. It supports what the templates of this repository use.
package cfn

import (
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Read reads a YAML document. CloudFormation's short intrinsics (!Ref x) are returned in their long
// form ({"Ref": "x"}).
func Read(path string) (map[string]any, error) {
	b, err := os.ReadFile(path) //nolint:gosec // G304: a file of the repository
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Parse is Read for a document in memory.
func Parse(b []byte) (map[string]any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	m, _ := plain(doc.Content[0]).(map[string]any)
	return m, nil
}

func plain(n *yaml.Node) any {
	intrinsic := strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
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
		if n.Decode(&v) != nil || intrinsic {
			v = n.Value
		}
	}
	switch {
	case n.Tag == "!Ref" || n.Tag == "!Condition":
		return map[string]any{n.Tag[1:]: v}
	case intrinsic:
		return map[string]any{"Fn::" + n.Tag[1:]: v}
	}
	return v
}
