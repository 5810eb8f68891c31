package demo

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// answers is an operator whose commands print these outputs, the last one for good.
func answers(all ...string) Operator {
	return func(context.Context, ...string) string {
		next := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return next
	}
}

func TestDrillWaitsUntilACommandShowsTheTrouble(t *testing.T) {
	var out bytes.Buffer
	d := &drill{operator: answers("nothing", "a  OPEN\nb  CLOSED"), out: &out, patience: time.Minute}
	if err := d.shows(t.Context(), "open", []string{"a … OPEN", "a OP"}, "circuit", "list"); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.Contains(text, "$ orderflow circuit list") || !strings.Contains(text, "a  OPEN") ||
		strings.Contains(text, "b ") || len(d.shown) != 1 || d.shown[0].command != "orderflow circuit list" {
		t.Errorf("%s %+v", text, d.shown)
	}
}

func TestDrillFailsIfACommandDoesNotShowTheTrouble(t *testing.T) {
	d := &drill{operator: answers("a  CLOSED\nb  OPEN"), out: &bytes.Buffer{}}
	err := d.shows(t.Context(), "open", []string{"a … OPEN", "b OPEN"}, "circuit", "list")
	if err == nil || !strings.Contains(err.Error(), `does not show ["a … OPEN"]`) ||
		!strings.Contains(err.Error(), "a  CLOSED") || len(d.shown) > 0 {
		t.Errorf("%v, %+v", err, d.shown)
	}
}

func TestEveryTroubleHasARunbook(t *testing.T) {
	for _, trouble := range troubles {
		if _, err := os.Stat("../../../docs/runbooks/" + trouble.runbook + ".md"); err != nil {
			t.Errorf("%s: %v", trouble.name, err)
		}
	}
}
