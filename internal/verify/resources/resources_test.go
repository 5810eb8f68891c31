package resources

import (
	"slices"
	"testing"
)

func TestChangesAreWhatIsNewDifferentOrGone(t *testing.T) {
	before := map[string]string{"table": "1", "queue": "1", "topic": "1"}
	got := Changes(before, map[string]string{"table": "1", "queue": "2", "function": "1"})
	slices.Sort(got)
	want := []string{`function, from "" to "1"`, `queue, from "1" to "2"`, "topic is gone"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAnInventoryHasResourcesButStages(t *testing.T) {
	listed := Inventory(`{"TableNames":["orderflow-teas"],"next":"http://127.0.0.1/local"}`)
	got := listed.Has(map[string]Resource{"Teas": {Type: "AWS::DynamoDB::Table", ID: "orderflow-teas"},
		"Pots":  {Type: "AWS::DynamoDB::Table", ID: "orderflow-pots"},
		"Stage": {Type: "AWS::ApiGateway::Stage", ID: "local"}})
	if want := []string{"AWS::DynamoDB::Table Teas (orderflow-teas)"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
