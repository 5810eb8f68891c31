package devstack

import "testing"

func TestALogLineTellsWhoseItsStreamIs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event logEvent
		want  bool
	}{
		{"Lambda names the stream", logEvent{LogStreamName: "2026/11/28/shop-brew-tea[$LATEST]0c1d", Message: "START"}, true},
		{"a line of ours", logEvent{LogStreamName: "2026/11/28/[$LATEST]0c1d", Message: `{"msg":"hello","function":"shop-brew-tea"}`}, true},
		{"a metric of ours", logEvent{LogStreamName: "2026/11/28/[$LATEST]0c1d", Message: `{"Function":"brew-tea","Retries":1}`}, true},
		{"another function", logEvent{LogStreamName: "2026/11/28/shop-brew-teas[3]0c1d", Message: `{"function":"shop-brew-teas"}`}, false},
		{"nothing that tells", logEvent{LogStreamName: "2026/11/28/[$LATEST]0c1d", Message: "START"}, false},
	} {
		if got := tt.event.isOf("shop-brew-tea", "brew-tea"); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
