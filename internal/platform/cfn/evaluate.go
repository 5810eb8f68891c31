package cfn

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Region and Account of an evaluated stack are the emulator's, so its reports can be compared.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// Stack is a template with values for its parameters.
type Stack struct {
	Name       string
	template   map[string]any
	parameters map[string]string
}

// Load is New for the template in a file.
func Load(path, name string, parameters map[string]string) (*Stack, error) {
	template, err := Read(path)
	if err != nil {
		return nil, err
	}
	s, err := New(template, name, parameters)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// New evaluates a template for a stack called name. Parameters not given have their defaults.
func New(template map[string]any, name string, parameters map[string]string) (*Stack, error) {
	s := &Stack{Name: name, template: template, parameters: map[string]string{}}
	declared, _ := template["Parameters"].(map[string]any)
	for p, v := range declared {
		if fallback := Dig(v, "Default"); fallback != nil {
			s.parameters[p] = fmt.Sprint(fallback)
		}
	}
	for p, v := range parameters {
		if declared[p] == nil {
			return nil, fmt.Errorf("the template has no parameter %s", p)
		}
		s.parameters[p] = v
	}
	return s, nil
}

// OfType lists the logical ids of the resources of a type whose condition holds.
func (s *Stack) OfType(resourceType string) []string {
	resources, _ := s.template["Resources"].(map[string]any)
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		condition, conditional := Dig(resources[id], "Condition").(string)
		if s.Type(id) == resourceType && (!conditional || s.Holds(condition)) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Type returns a resource's type; "" for an unknown resource.
func (s *Stack) Type(id string) string {
	t, _ := Dig(s.template, "Resources", id, "Type").(string)
	return t
}

// Properties returns the evaluated properties of a resource.
func (s *Stack) Properties(id string) map[string]any {
	p, _ := s.Value(Dig(s.template, "Resources", id, "Properties")).(map[string]any)
	return p
}

// nothing is the value of AWS::NoValue. Maps and lists leave it out.
type nothing struct{}

// Value evaluates the intrinsics in v. It keeps unknown ones unchanged.
func (s *Stack) Value(v any) any {
	switch v := v.(type) {
	case []any:
		var all []any
		for _, item := range v {
			if item = s.Value(item); item != (nothing{}) {
				all = append(all, item)
			}
		}
		return all
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if result, ok := s.intrinsic(name, argument); ok {
					return result
				}
			}
		}
		all := map[string]any{}
		for name, item := range v {
			if item = s.Value(item); item != (nothing{}) {
				all[name] = item
			}
		}
		return all
	}
	return v
}

func (s *Stack) intrinsic(name string, argument any) (any, bool) {
	parts, _ := argument.([]any)
	n := len(parts)
	switch {
	case name == "Ref" && argument == "AWS::NoValue":
		return nothing{}, true
	case name == "Ref" && Dig(s.template, "Parameters", fmt.Sprint(argument), "Type") == "CommaDelimitedList":
		return split(s.reference(fmt.Sprint(argument)), ","), true
	case name == "Fn::ImportValue": // its name, as the exporting stack is unknown
		return s.Value(argument), true
	case name == "Fn::GetAtt" && n == 2:
		return s.reference(fmt.Sprintf("%v.%v", parts...)), true
	case name == "Ref" || name == "Fn::GetAtt":
		return s.reference(fmt.Sprint(argument)), true
	case name == "Fn::Sub":
		return s.sub(argument), true
	case name == "Condition":
		condition, ok := argument.(string)
		return ok && s.Holds(condition), ok
	case name == "Fn::If" && n == 3:
		if s.Holds(fmt.Sprint(parts[0])) {
			return s.Value(parts[1]), true
		}
		return s.Value(parts[2]), true
	}
	values, _ := s.Value(parts).([]any)
	switch {
	case name == "Fn::FindInMap" && n == 3:
		keys := []string{"Mappings", fmt.Sprint(values[0]), fmt.Sprint(values[1]), fmt.Sprint(values[2])}
		return Dig(s.template, keys...), true
	case name == "Fn::Equals" && n == 2:
		return fmt.Sprint(values[0]) == fmt.Sprint(values[1]), true // as text, as CloudFormation does
	case name == "Fn::Split" && n == 2:
		return split(fmt.Sprint(values[1]), fmt.Sprint(values[0])), true
	case name == "Fn::Join" && n == 2:
		var all []string
		items, ok := values[1].([]any)
		for _, item := range items {
			all = append(all, fmt.Sprint(item))
		}
		return strings.Join(all, fmt.Sprint(values[0])), ok
	case name == "Fn::Select" && n == 2:
		items, _ := values[1].([]any)
		i, err := strconv.Atoi(fmt.Sprint(values[0]))
		if err != nil || i >= len(items) {
			return nil, false
		}
		return items[i], true
	case name == "Fn::Not" && n == 1:
		return values[0] != true, true
	case name == "Fn::And" || name == "Fn::Or":
		return slices.Contains(values, any(name == "Fn::Or")) == (name == "Fn::Or"), true
	}
	return nil, false
}

func split(text, by string) (all []any) {
	for part := range strings.SplitSeq(text, by) {
		all = append(all, part)
	}
	return all
}

// Parameter returns the value of a parameter.
func (s *Stack) Parameter(name string) string { return s.parameters[name] }

// Holds reports whether a condition of the template holds.
func (s *Stack) Holds(condition string) bool {
	return s.Value(Dig(s.template, "Conditions", condition)) == true
}

var substituted = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

func (s *Stack) sub(argument any) string {
	own := map[string]any{}
	if parts, ok := argument.([]any); ok && len(parts) == 2 {
		argument = parts[0]
		own, _ = s.Value(parts[1]).(map[string]any)
	}
	return substituted.ReplaceAllStringFunc(fmt.Sprint(argument), func(m string) string {
		name := strings.TrimSpace(m[2 : len(m)-1])
		if v, ok := own[name]; ok {
			return fmt.Sprint(v)
		}
		return s.reference(name)
	})
}

var pseudo = map[string]string{
	"AWS::Partition": "aws", "AWS::Region": Region, "AWS::AccountId": Account, "AWS::URLSuffix": "amazonaws.com",
}

// reference resolves a parameter, a logical id, or a logical id with an attribute.
func (s *Stack) reference(name string) string {
	if v, ok := pseudo[name]; ok {
		return v
	}
	if name == "AWS::StackName" {
		return s.Name
	}
	if v, ok := s.parameters[name]; ok {
		return v
	}
	id, attribute, _ := strings.Cut(name, ".")
	return s.physical(id, attribute)
}

// Dig follows keys through nested maps. It returns nil if a key is missing.
func Dig(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

// Globals returns what SAM adds to every resource of a kind, such as Function, evaluated.
func (s *Stack) Globals(kind string) map[string]any {
	g, _ := s.Value(Dig(s.template, "Globals", kind)).(map[string]any)
	return g
}

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
