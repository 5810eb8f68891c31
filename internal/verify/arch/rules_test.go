package arch

import "testing"

func load(t *testing.T) *Repo {
	t.Helper()
	r, err := Load("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheRepositoryKeepsEveryRule(t *testing.T) {
	r := load(t)
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, violation := range rule.Violations(r) {
				t.Errorf("%s\n\twhy: %s", violation, rule.Why)
			}
		})
	}
}

func TestEveryRuleReportsItsSabotage(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			r := load(t)
			before := len(rule.Violations(r))
			rule.Sabotage(r)
			if after := len(rule.Violations(r)); after <= before {
				t.Errorf("the rule misses its sabotage: %d violations before, %d after", before, after)
			}
		})
	}
}
