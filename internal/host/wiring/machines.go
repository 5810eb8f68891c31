package wiring

import (
	"fmt"
	"io/fs"
	"strings"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/workflow"
)

// Machines reads the state machines of a stack, whose definitions are in files. They name functions
// and other machines without the stack's prefix.
func Machines(stack *cfn.Stack, files fs.FS) (map[string]workflow.Machine, error) {
	r := &reader{Stack: stack, core: stack.Name}
	all := map[string]workflow.Machine{}
	for _, id := range stack.OfType("AWS::Serverless::StateMachine") {
		p := stack.Properties(id)
		text, err := fs.ReadFile(files, strings.TrimPrefix(fmt.Sprint(p["DefinitionUri"]), "./"))
		if err != nil {
			return nil, err
		}
		substitutions, _ := p["DefinitionSubstitutions"].(map[string]any)
		target := func(name string) string { return r.own(fmt.Sprint(substitutions[name])) }
		m, err := asl.Parse(asl.Substitute(text, target))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		all[r.own(fmt.Sprint(p["Name"]))] = workflow.Machine{Definition: m, Express: p["Type"] == "EXPRESS"}
	}
	return all, nil
}
