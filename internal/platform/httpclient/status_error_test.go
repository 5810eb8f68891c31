package httpclient_test

import (
	"testing"

	"orderflow/internal/platform/httpclient"
)

// The text goes into logs, and the body may be about a person.
func TestAStatusErrorSaysWhoAnsweredWhatButNotTheBody(t *testing.T) {
	err := &httpclient.StatusError{Dependency: "teapot", Status: 418, Body: []byte("ada@example.com")}
	if got := err.Error(); got != "teapot answered 418" {
		t.Errorf("got %q", got)
	}
}
