package cfn

import (
	"fmt"
	"maps"
	"slices"
)

// Refusals are what CloudFormation would say of the stack's parameters: the descriptions of the assertions of the
// template's Rules that do not hold. It makes and changes nothing while there is one.
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
