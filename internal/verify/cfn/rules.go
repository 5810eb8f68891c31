package cfn

import (
	"fmt"
	"maps"
	"slices"
)

// Refusals returns the descriptions of the assertions in the template's Rules that the parameters
// violate. CloudFormation deploys nothing while there are any.
func (s *Stack) Refusals() []string {
	var refusals []string
	rules, _ := s.template["Rules"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if when := Dig(rules[name], "RuleCondition"); when != nil && s.Value(when) != true {
			continue
		}
		assertions, _ := Dig(rules[name], "Assertions").([]any)
		for _, a := range assertions {
			if s.Value(Dig(a, "Assert")) != true {
				refusals = append(refusals, fmt.Sprint(Dig(a, "AssertDescription")))
			}
		}
	}
	return refusals
}
