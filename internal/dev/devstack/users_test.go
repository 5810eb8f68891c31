package devstack

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/platform/bearer"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/clock"
)

func TestFunctionsAcceptTokensOfAStackWithoutAnAuthorizer(t *testing.T) {
	var put string
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		put = r.Header.Get("X-Amz-Target") + " " + string(body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer store.Close()
	s := &Stack{dir: t.TempDir(), Emulator: &Emulator{Server: Server{URL: store.URL}}}

	if parameters, err := s.tokenParameters(t.Context(), Options{}); parameters != nil || err != nil || put != "" {
		t.Fatalf("with an authorizer: %q, %v, sent %s", parameters, err, put)
	}
	if token, err := s.Token(t.Context(), "alice", ""); err == nil {
		t.Errorf("with neither a pool nor a key: %s", token)
	}
	first, err := s.tokenParameters(t.Context(), Options{NoAuthorizer: true})
	if err != nil || !slices.Equal(first, []string{"TokenIssuer=" + issuer.Name, "TokenAudience=" + issuer.Audience}) {
		t.Fatalf("%q, %v", first, err)
	}
	if !strings.HasPrefix(put, "AmazonSSM.PutParameter ") || !strings.Contains(put, `"`+tokenKeys+`"`) ||
		strings.Contains(put, `\"d\"`) {
		t.Errorf("sent %s", put)
	}
	before := put
	if again, err := s.tokenParameters(t.Context(), Options{}); err != nil || !slices.Equal(again, first) ||
		put != before {
		t.Errorf("second deployment: %q, %v, same keys: %t", again, err, put == before)
	}
	if info, err := os.Stat(filepath.Join(s.dir, "users", "issuer.der")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v", info, err)
	}

	keys := bearer.NewKeys(func(context.Context) (string, error) {
		own, err := issuer.In(s.dir)
		if err != nil {
			return "", err
		}
		return own.KeySet(), nil
	}, clock.System{})
	v := bearer.New(issuer.Name, issuer.Audience, keys, clock.System{})
	subjects := map[any]bool{}
	for _, user := range []string{"alice", "alice", "bob"} {
		token, err := s.Token(t.Context(), user, "operator")
		if err != nil {
			t.Fatal(err)
		}
		claims, err := v.Verify(t.Context(), []string{"Bearer " + token})
		if err != nil || claims["email"] != issuer.Email(user) ||
			!slices.Equal(claims["cognito:groups"].([]any), []any{"operator"}) {
			t.Errorf("%s: %v, %v", user, claims, err)
		}
		subjects[claims["sub"]] = true
	}
	if len(subjects) != 2 {
		t.Errorf("two users have the customer ids %v", subjects)
	}
	token, err := s.Token(t.Context(), "alice", "")
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := v.Verify(t.Context(), []string{"Bearer " + token}); err != nil ||
		claims["cognito:groups"] != nil {
		t.Errorf("a customer: %v, %v", claims, err)
	}
}
