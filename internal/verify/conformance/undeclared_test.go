package conformance

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const notFound = `{"status":404,"code":"NotFound"}`

func TestUndeclaredMethodsMustGet404(t *testing.T) {
	for name, c := range map[string]struct {
		status            int
		contentType, body string
		good              bool
	}{
		"the gateway's answer": {404, "application/problem+json", notFound, true},
		"it is served":         {200, "application/problem+json", notFound, false},
		"plain text":           {404, "text/plain", "404 page not found", false},
		"another type":         {404, "application/json", notFound, false},
		"another problem":      {404, "application/problem+json", `{"status":404,"code":"NoOrder"}`, false},
		"another status":       {404, "application/problem+json", `{"status":403,"code":"NotFound"}`, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.ContainsAny(r.URL.Path, "{}") {
				t.Errorf("%s is not a path", r.URL.Path)
			}
			w.Header().Set("Content-Type", c.contentType)
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		cases, bad, err := undeclared(t.Context(), server.URL)
		server.Close()
		// 26 paths of 7 methods, less the operations.
		if err != nil || cases < 100 || (len(bad) == 0) != c.good || len(bad) != 0 && len(bad) != cases {
			t.Errorf("%s: %d cases, %d bad, %v", name, cases, len(bad), err)
		}
	}
}
