package httpclient_test

import (
	"testing"

	"orderflow/internal/platform/httpclient"
)

// The text is logged, and the body may contain personal data.
func TestStatusErrorOmitsTheBody(t *testing.T) {
	err := &httpclient.StatusError{Dependency: "teapot", Status: 418, Body: []byte("ada@example.com")}
	if got := err.Error(); got != "teapot answered 418" {
		t.Errorf("got %q", got)
	}
}
