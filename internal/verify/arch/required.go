package arch

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"orderflow/internal/platform/cfn"
)

// required is a requirement for parts of the template.
type required struct {
	// of is a section of the template such as Outputs, or a type of resources, whose properties are
	// checked. An expression for "id type" may follow; ! negates it.
	of string
	// want is a pattern in YAML. A map has the pattern's members; each item of a list matches the
	// pattern's only item, or the one in its place. The words any and none stand for any value and
	// for no value, <id> and <base> for the resource's id and its id without the suffix of its
	// kind. !Any p: an item of the list matches p. !Like x, !Unlike x: a text matches the
	// expression x, or not.
	want string
}

var kindSuffix = regexp.MustCompile(`(Source|Queue|Subscription\w*)$`)

// parts returns the parts that the requirement applies to, by id.
func (q required) parts(r *Repo) map[string]any {
	kind, ids, _ := strings.Cut(q.of, " ")
	ids, not := strings.CutPrefix(ids, "!")
	expression := regexp.MustCompile(ids)
	section, isSection := r.Template[kind].(map[string]any)
	if !isSection {
		section = r.resources()
	}
	found := map[string]any{}
	for id, part := range section {
		ofType := text(cfn.Dig(part, "Type"))
		switch {
		case expression.MatchString(id+" "+ofType) == not:
		case isSection:
			found[id] = part
		case ofType == kind:
			found[id] = cfn.Dig(part, "Properties")
		}
	}
	return found
}

func (q required) pattern(id string) map[string]any {
	names := strings.NewReplacer("\t", " ", "<id>", id, "<base>", kindSuffix.ReplaceAllString(id, ""))
	want, err := cfn.Parse([]byte(names.Replace(q.want)))
	if err != nil {
		panic(err) // every test of the rules reads it
	}
	return want
}

func (q required) check(r *Repo, bad *list) {
	found := false
	for _, stack := range r.all() {
		for id, part := range q.parts(stack) {
			found = true
			bad.differs(id, q.pattern(id), part)
		}
	}
	bad.unless(found, "no template has %s", q.of)
}

// sabotages returns a breakage for each value that the pattern asks for, in the first part; none if
// the repository violates it.
func (q required) sabotages(r *Repo) []sabotage {
	var bad list
	if q.check(r, &bad); len(bad) > 0 {
		return nil
	}
	for _, stack := range r.all() {
		if parts := q.parts(stack); len(parts) > 0 {
			first := keys(parts)[0]
			return breakages(q.pattern(first), parts[first], func(any) {})
		}
	}
	return nil
}

// operator returns the operator of a pattern, if it is one, and its argument.
func operator(want any) (name string, argument any) {
	m, _ := want.(map[string]any)
	for _, name := range []string{"Fn::Any", "Fn::Like", "Fn::Unlike"} {
		if argument, ok := m[name]; ok {
			return name, argument
		}
	}
	return "", nil
}

// differs reports where v differs from a pattern.
func (l *list) differs(at string, want, v any) {
	shown := text(v)
	if shown == "" {
		shown = fmt.Sprint(v)
	}
	items, isList := v.([]any)
	switch name, argument := operator(want); name {
	case "Fn::Any":
		for _, item := range items {
			var bad list
			if bad.differs(at, argument, item); len(bad) == 0 {
				return
			}
		}
		l.add("%s: no item is %v", at, argument)
		return
	case "Fn::Like", "Fn::Unlike":
		found := v != nil && regexp.MustCompile(argument.(string)).MatchString(shown)
		l.unless(found == (name == "Fn::Like"), "%s is %v, want it %s %s", at, v, name[4:], argument)
		return
	}
	switch want := want.(type) {
	case map[string]any:
		members, _ := v.(map[string]any)
		for name, each := range want {
			l.differs(at+"."+name, each, members[name])
		}
	case []any:
		all := len(want) == 1 && len(items) > 0 || len(want) == len(items)
		l.unless(isList && all, "%s is %v, want %v", at, v, want)
		for i, item := range items {
			l.differs(at, want[min(i, len(want)-1)], item)
		}
	default:
		ok := want == "any" && v != nil || want == "none" && v == nil || reflect.DeepEqual(want, v)
		l.unless(ok, "%s is %v, want %v", at, v, want)
	}
}

// sabotage breaks a rule in memory, and returns a function that restores it.
type sabotage func() (mend func())

// breakages returns a sabotage for each value of a pattern that v matches; set replaces v.
func breakages(want, v any, set func(any)) (all []sabotage) {
	items, _ := v.([]any)
	members, _ := v.(map[string]any)
	with := func(broken any) {
		all = append(all, func() func() {
			set(broken)
			return func() { set(v) }
		})
	}
	switch name, argument := operator(want); name {
	case "Fn::Unlike":
		with(argument) // the expressions match themselves
		return all
	case "Fn::Any", "Fn::Like":
		with(nil)
		return all
	}
	switch want := want.(type) {
	case map[string]any:
		for _, name := range keys(want) {
			all = append(all, breakages(want[name], members[name], func(v any) { members[name] = v })...)
		}
	case []any:
		for i, each := range want {
			all = append(all, breakages(each, items[i], func(v any) { items[i] = v })...)
		}
	default:
		with(map[any]any{"none": "something"}[want])
	}
	return all
}
