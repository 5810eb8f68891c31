// Package arch tests the architecture. Each rule says what must hold and why, reads the repository
// and lists violations. Each has a sabotage, a small breakage of the repository in memory, and the
// tests check that the rule reports it.
package arch

import (
	"fmt"
	"maps"
	"slices"
)

// Rule is something that must hold in the repository.
type Rule struct {
	Name     string             // what must hold
	Why      string             // the reason, or the pitfall that it prevents
	Required []required         // what the template must have
	Check    func(*Repo, *list) // adds other violations; may be nil
	Sabotage func(*Repo)        // breaks the rule in memory; nil if the rule is only Required
	Core     bool               // whether Check runs once, not also for each stack of its own
}

func rule(name, why string, check func(*Repo, *list), sabotage func(*Repo), required ...required) Rule {
	return Rule{name, why, required, check, sabotage, false}
}

// ofCore is a rule about the core, or about all of the repository at once.
func ofCore(r Rule) Rule {
	r.Core = true
	return r
}

// requires is a rule about what the template must have.
func requires(name, why string, required ...required) Rule {
	return rule(name, why, nil, nil, required...)
}

// Violations lists each violation once.
func (rule Rule) Violations(r *Repo) []string {
	var bad list
	for _, q := range rule.Required {
		q.check(r, &bad)
	}
	for _, stack := range r.all() {
		if rule.Check != nil && (stack == r || !rule.Core) {
			rule.Check(stack, &bad)
		}
	}
	slices.Sort(bad)
	return slices.Compact(bad)
}

// Sabotages returns every breakage that the rule must report: its own, and one for each value that
// the template must have. Its own, the last one, is not restored.
func (rule Rule) Sabotages(r *Repo) (all []sabotage) {
	for _, q := range rule.Required {
		all = append(all, q.sabotages(r)...)
	}
	if rule.Sabotage != nil {
		all = append(all, func() func() { rule.Sabotage(r); return func() {} })
	}
	return all
}

// Rules returns all rules.
func Rules() []Rule {
	return slices.Concat(codeRules, templateRules, infraRules, releaseRules, parameterRules, machineRules,
		contractRules, refusalRules, shapeRules, docRules, observationRules, stackRules)
}

// Services are the bounded contexts, each a directory under internal/.
var Services = []string{
	"catalog", "fulfilment", "gateway", "inventory", "notifications", "orders", "payments", "reporting", "shipping",
	"warehouse",
}

// list collects violations.
type list []string

func (l *list) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

func (l *list) unless(ok bool, format string, args ...any) {
	if !ok {
		l.add(format, args...)
	}
}

// same reports the elements that only one of two sets has.
func (l *list) same(what string, got, want []string) {
	for _, name := range want {
		l.unless(slices.Contains(got, name), "%s lacks %s", what, name)
	}
	for _, name := range got {
		l.unless(slices.Contains(want, name), "%s has %s, which nothing needs", what, name)
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
