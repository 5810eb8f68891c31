package bench

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template is the part of a SAM template that says with which environment variables functions run.
type template struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
	} `yaml:"Parameters"`
	Conditions map[string]yaml.Node `yaml:"Conditions"`
	Globals    struct {
		Function properties `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]struct {
		Type       string     `yaml:"Type"`
		Properties properties `yaml:"Properties"`
	} `yaml:"Resources"`
}

type properties struct {
	CodeURI     yaml.Node `yaml:"CodeUri"`
	Environment struct {
		Variables map[string]yaml.Node `yaml:"Variables"`
	} `yaml:"Environment"`
}

// variables returns the environment variables of a template's functions, by the function's name in the source tree.
// Parameters have their defaults; what only a deployment knows, such as the name of a table, is made up.
func variables(file string) (map[string]map[string]string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var t template
	if err := yaml.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := map[string]map[string]string{}
	for id, r := range t.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		name := path.Base(r.Properties.CodeURI.Value)
		all[name] = map[string]string{}
		for _, from := range []properties{t.Globals.Function, r.Properties} {
			for variable, node := range from.Environment.Variables {
				if all[name][variable], err = t.value(&node); err != nil {
					return nil, fmt.Errorf("%s: %s of %s: %w", file, variable, id, err)
				}
			}
		}
	}
	return all, nil
}

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

func (t *template) value(n *yaml.Node) (string, error) {
	switch n.Tag {
	case "!Ref", "!GetAtt":
		return t.named(n.Value), nil
	case "!Sub":
		return reference.ReplaceAllStringFunc(n.Value, func(s string) string { return t.named(s[2 : len(s)-1]) }), nil
	case "!If":
		if len(n.Content) != 3 {
			return "", fmt.Errorf("line %d: !If has not three parts", n.Line)
		}
		condition := t.Conditions[n.Content[0].Value]
		holds, err := t.holds(&condition)
		if err != nil {
			return "", err
		}
		if holds {
			return t.value(n.Content[1])
		}
		return t.value(n.Content[2])
	}
	if n.Kind == yaml.ScalarNode && !strings.HasPrefix(strings.TrimPrefix(n.Tag, "!!"), "!") {
		return n.Value, nil
	}
	return "", fmt.Errorf("line %d: %s is not understood", n.Line, n.Tag)
}

// named is what a reference stands for.
func (t *template) named(id string) string {
	if p, ok := t.Parameters[id]; ok {
		return p.Default
	}
	return "bench-" + strings.NewReplacer("::", "-", ".", "-").Replace(id)
}

func (t *template) holds(n *yaml.Node) (bool, error) {
	switch {
	case n.Tag == "!Equals" && len(n.Content) == 2:
		a, err := t.value(n.Content[0])
		if err != nil {
			return false, err
		}
		b, err := t.value(n.Content[1])
		return a == b, err
	case n.Tag == "!Not" && len(n.Content) == 1:
		holds, err := t.holds(n.Content[0])
		return !holds, err
	case n.Tag == "!Condition":
		condition := t.Conditions[n.Value]
		return t.holds(&condition)
	}
	return false, fmt.Errorf("line %d: condition %s is not understood", n.Line, n.Tag)
}
