package devstack

import "testing"

func TestLogLineIdentifiesTheFunctionOfItsStream(t *testing.T) {
	for _, tt := range []struct {
		name            string
		stream, message string
		want            bool
	}{
		{"Lambda names the stream", "2026/11/28/shop-brew-tea[$LATEST]0c1d", "START", true},
		{"our log line", "2026/11/28/[$LATEST]0c1d", `{"msg":"hello","function":"shop-brew-tea"}`, true},
		{"our metric", "2026/11/28/[$LATEST]0c1d", `{"Function":"brew-tea","Retries":1}`, true},
		{"another function", "2026/11/28/shop-brew-teas[3]0c1d", `{"function":"shop-brew-teas"}`, false},
		{"no name at all", "2026/11/28/[$LATEST]0c1d", "START", false},
	} {
		event := logEvent{LogStreamName: tt.stream, Message: tt.message}
		if got := event.isOf("shop-brew-tea", "brew-tea"); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
