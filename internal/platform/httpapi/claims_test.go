package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/httpapi"
)

// with gives the caller's claim another value; nil takes it away.
func with(name string, value any) func(*events.APIGatewayProxyRequest) {
	return func(in *events.APIGatewayProxyRequest) {
		c := in.RequestContext.Authorizer["claims"].(map[string]any)
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
}

// caller is who sends the request, as the operation sees it.
func caller(t *testing.T, change ...func(*events.APIGatewayProxyRequest)) (who httpapi.Identity, status int) {
	t.Helper()
	out, _ := send(t, "adjustStock", request(change...), func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		who = r.Caller
		return httpapi.OK(nil), nil
	})
	return who, out.StatusCode
}

func TestAnAddressCountsOnceItIsVerified(t *testing.T) {
	for _, yes := range []any{true, "true"} {
		if who, _ := caller(t, with("email_verified", yes)); who.Email != "a@example.com" {
			t.Errorf("verified as %v: the address is %q", yes, who.Email)
		}
	}
	for _, no := range []any{nil, false, "false", "", "yes", "TRUE", 1, []any{true}} {
		if who, status := caller(t, with("email_verified", no)); who.Email != "" || status != http.StatusOK {
			t.Errorf("verified as %v: %d, the address is %q", no, status, who.Email)
		}
	}
}

func TestAnAddressThatCannotBeUsedIsNone(t *testing.T) {
	for _, bad := range []any{"", "nobody", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\nBcc: c@d", "ä@example.com", strings.Repeat("a", 400) + "@example.com", 7, nil} {
		if who, status := caller(t, with("email", bad)); who.Email != "" || status != http.StatusOK {
			t.Errorf("%v: %d, the address is %q", bad, status, who.Email)
		}
	}
	longest := strings.Repeat("a", 242) + "@example.com"
	if who, _ := caller(t, with("email", longest)); who.Email != longest {
		t.Errorf("an address of %d characters is %q", len(longest), who.Email)
	}
}

func TestASubjectThatCannotBeUsedIsNobody(t *testing.T) {
	for _, bad := range []any{"", nil, 7, strings.Repeat("s", 129)} {
		if who, status := caller(t, with("sub", bad)); status != http.StatusUnauthorized {
			t.Errorf("%v: %d, the caller is %+v", bad, status, who)
		}
	}
}
