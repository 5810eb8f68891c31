package interleave_test

import (
	"fmt"
	"slices"
	"testing"

	"orderflow/internal/verify/interleave"
)

func TestEveryRunIsEnumeratedOnce(t *testing.T) {
	var runs []string
	for c := (&interleave.Choices{}); ; {
		run := fmt.Sprint(c.Pick(2))
		if run == "1" { // only there is a second choice
			run += fmt.Sprint(c.Pick(3))
		}
		runs = append(runs, run)
		if !c.Next() {
			break
		}
	}
	if want := []string{"0", "10", "11", "12"}; !slices.Equal(runs, want) {
		t.Errorf("%v, want %v", runs, want)
	}
}
