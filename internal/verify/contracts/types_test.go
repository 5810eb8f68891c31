package contracts_test

import (
	"strings"
	"testing"

	"orderflow/internal/verify/contracts"
)

const steps = `package contract

import "orderflow/internal/platform/money"

// Reserve is an input.
type Reserve struct {
	OrderID string ` + "`json:\"orderId\"`" + `
	Items []Item ` + "`json:\"items\"`" + `
	Amount money.Money ` + "`json:\"amount\"`" + `
	Note string ` + "`json:\"note,omitempty\"`" + `
}

type hidden struct { A int }

const Name = "x"
`

func wire(t *testing.T, source string) contracts.Wire {
	t.Helper()
	w, err := contracts.ReadWire([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAStepMayGainFieldsThatAreLeftOutWhenEmpty(t *testing.T) {
	for name, r := range map[string][2]string{
		"nothing":      {"", ""},
		"optional":     {"\tNote", "\tMore map[string]*int `json:\"more,omitzero\"`\n\tNote"},
		"name in Go":   {"OrderID", "ID"},
		"name of type": {"type Reserve", "type Hold"},
		"always there": {"note,omitempty", "note"},
		"another type": {"const Name", "type Commit struct { A string `json:\"a\"` }\n\nconst Name"},
	} {
		if breaks := contracts.Types(wire(t, steps), wire(t, strings.Replace(steps, r[0], r[1], 1))); len(breaks) > 0 {
			t.Errorf("%s: %q", name, breaks)
		}
	}
}

func TestEveryKindOfBreakOfAStepIsFound(t *testing.T) {
	for name, r := range map[string][3]string{
		"removed":             {"\tNote string `json:\"note,omitempty\"`\n", "", "Reserve.note: was removed"},
		"renamed":             {`json:"items"`, `json:"lines"`, "Reserve.items: was removed"},
		"type":                {"[]Item", "[]Line", "Reserve.items: type was []Item, is []Line"},
		"type of another one": {"money.Money", "int64", "Reserve.amount: type"},
		"new":                 {"\tNote", "\tMore int `json:\"more\"`\n\tNote", "Reserve.more: is new"},
		"optional now":        {`json:"items"`, `json:"items,omitempty"`, "Reserve.items: may be missing"},
		"removed type":        {"type Reserve", "type reserve", "Reserve: was removed"},
	} {
		breaks := strings.Join(contracts.Types(wire(t, steps), wire(t, strings.Replace(steps, r[0], r[1], 1))), "\n")
		if !strings.Contains(breaks, r[2]) {
			t.Errorf("%s: %q, want one with %q", name, breaks, r[2])
		}
	}
}

func TestAStructThatWouldHaveToBeGuessedIsRefused(t *testing.T) {
	for name, source := range map[string]string{
		"embedded": "package c\ntype A struct { B }", "no name": "package c\ntype A struct { B int }", "no Go": "package",
	} {
		if w, err := contracts.ReadWire([]byte(source)); err == nil {
			t.Errorf("%s: %v", name, w)
		}
	}
}
