package arch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule is something that must hold in the repository.
type Rule struct {
	Name     string             // what must hold
	Why      string             // the reason, or the pitfall that it prevents
	Check    func(*Repo, *list) // adds violations
	Sabotage func(*Repo)        // breaks the rule in memory
}

// Violations lists each violation once.
func (rule Rule) Violations(r *Repo) []string {
	var bad list
	rule.Check(r, &bad)
	slices.Sort(bad)
	return slices.Compact(bad)
}

// Rules returns all rules.
func Rules() []Rule {
	return slices.Concat(codeRules(), discoveryRules(), templateRules(), infraRules(), releaseRules(), parameterRules(),
		machineRules(), contractRules(), shapeRules(), docRules(), observationRules(), alarmRules())
}

// Services are the bounded contexts, each a directory under internal/.
var Services = []string{
	"catalog", "fulfilment", "gateway", "inventory", "notifications", "orders", "payments", "shipping",
}

// serviceOf returns the service that a directory belongs to, or "".
func serviceOf(dir string) string {
	parts := strings.Split(dir, "/")
	if len(parts) > 1 && (parts[0] == "internal" || parts[0] == "functions") && slices.Contains(Services, parts[1]) {
		return parts[1]
	}
	return ""
}

// product reports whether a directory is deployed: a service, its functions or the platform.
func product(dir string) bool {
	return serviceOf(dir) != "" || strings.HasPrefix(dir, "internal/platform/")
}

// list collects violations.
type list []string

func (l *list) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

func (l *list) unless(ok bool, format string, args ...any) {
	if !ok {
		l.add(format, args...)
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
