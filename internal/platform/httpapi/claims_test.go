package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"orderflow/internal/platform/httpapi"
)

// with sets a claim of the caller; nil removes it.
func with(name string, value any) func(*apiRequest) {
	return func(in *apiRequest) {
		c := in.RequestContext.Authorizer["claims"].(map[string]any)
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
}

// caller returns the caller that the operation sees.
func caller(t *testing.T, change ...func(*apiRequest)) (who httpapi.Identity, status int) {
	t.Helper()
	handle := func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		who = r.Caller
		return httpapi.OK(nil), nil
	}
	out, _ := send(t, "adjustStock", request(change...), handle)
	return who, out.StatusCode
}

func TestOnlyVerifiedEmailIsUsed(t *testing.T) {
	for _, yes := range []any{true, "true"} {
		if who, _ := caller(t, with("email_verified", yes)); who.Email != "a@example.com" {
			t.Errorf("email_verified %v: email %q", yes, who.Email)
		}
	}
	for _, no := range []any{nil, false, "false", "", "yes", "TRUE", 1, []any{true}} {
		if who, status := caller(t, with("email_verified", no)); who.Email != "" || status != http.StatusOK {
			t.Errorf("email_verified %v: %d, email %q", no, status, who.Email)
		}
	}
}

func TestInvalidEmailIsIgnored(t *testing.T) {
	for _, bad := range []any{
		"", "nobody", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\nBcc: c@d", "ä@example.com",
		strings.Repeat("a", 400) + "@example.com", 7, nil,
	} {
		if who, status := caller(t, with("email", bad)); who.Email != "" || status != http.StatusOK {
			t.Errorf("%v: %d, email %q", bad, status, who.Email)
		}
	}
	longest := strings.Repeat("a", 242) + "@example.com"
	if who, _ := caller(t, with("email", longest)); who.Email != longest {
		t.Errorf("address of %d characters: email %q", len(longest), who.Email)
	}
}

func TestInvalidSubjectIs401(t *testing.T) {
	for _, bad := range []any{"", nil, 7, strings.Repeat("s", 129)} {
		if who, status := caller(t, with("sub", bad)); status != http.StatusUnauthorized {
			t.Errorf("%v: %d, caller %+v", bad, status, who)
		}
	}
}
