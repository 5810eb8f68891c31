package recorder_test

import (
	"fmt"
	"net/http"
	"testing"

	"orderflow/internal/platform/recorder"
)

func TestTheFirstStatusCountsLikeOfAServer(t *testing.T) {
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		status int
		body   string
	}{
		"nothing is written": {func(http.ResponseWriter, *http.Request) {}, 200, ""},
		"a status and a body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", "y")
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
			fmt.Fprint(w, "no ", "coffee")
		}, 418, "no coffee"},
		"a status after the body": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "done")
			w.WriteHeader(http.StatusTeapot)
		}, 200, "done"},
	} {
		got := recorder.Serve(c.handle, nil)
		if got.Status != c.status || got.Body.String() != c.body {
			t.Errorf("%s: %d %q, want %d %q", name, got.Status, got.Body.String(), c.status, c.body)
		}
		if (got.Header().Get("X") == "y") != (c.status == http.StatusTeapot) {
			t.Errorf("%s: headers %v", name, got.Header())
		}
	}
}
