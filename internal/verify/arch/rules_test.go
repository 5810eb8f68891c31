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

func TestEveryRuleReportsItsSabotages(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			r := load(t)
			before, sabotages := len(rule.Violations(r)), rule.Sabotages(r)
			if len(sabotages) == 0 {
				t.Error("the rule has no sabotage")
			}
			for n, sabotage := range sabotages {
				mend := sabotage()
				if after := len(rule.Violations(r)); after <= before {
					t.Errorf("the rule misses its sabotage %d: %d violations before, %d after", n, before, after)
				}
				mend()
			}
		})
	}
}

func TestNamesWithinLongerNamesDoNotCount(t *testing.T) {
	for text, want := range map[string]bool{
		"| get-order | shows |": true, "get-order": true, "`get-order`, list-orders": true, "calls get-order.": true,
		"| get-order-history |": false, "forget-order": false, "re-get-order": false, "get-orders": false, "": false,
	} {
		if hasName(text, "get-order") != want {
			t.Errorf("%q has the name: want %t", text, want)
		}
	}
}

func TestTheCoreMayUseLongerNamesThanOtherStacks(t *testing.T) {
	mention := load(t).mentions()
	for source, named := range map[string]bool{
		"receive-goods": true, "handler.ReceiveGoods(svc)": true, "receive-goods-late": false,
		"ReceiveGoodsLate": false,
	} {
		if got := mention(source); (got != "") != named {
			t.Errorf("%q names %q", source, got)
		}
	}
}
