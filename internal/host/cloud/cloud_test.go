package cloud_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow/internal/host/cloud"
)

// body fails the test if it is read.
type body struct{ *testing.T }

func (b body) Read([]byte) (int, error) {
	b.Error("the body of a call without the key is read")
	return 0, http.ErrBodyReadAfterClose
}

func TestCallsNeedTheKey(t *testing.T) {
	for _, c := range []struct{ key, given string }{{"key", ""}, {"key", "ke"}, {"", ""}, {"", "any"}} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/aws/", body{t})
		if c.given != "" {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.given+"/20260101/local-1/sqs")
		}
		w := httptest.NewRecorder()
		(&cloud.Cloud{Key: c.key}).ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "AccessDenied") {
			t.Errorf("with %q where the key is %q: %d %s", c.given, c.key, w.Code, w.Body)
		}
	}
}
