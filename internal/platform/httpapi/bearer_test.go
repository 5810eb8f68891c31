package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"orderflow/api"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// stage returns the environment of a stage without an authorizer, and the issuer of its tokens.
func stage(t *testing.T) (*function.Env, *issuer.Issuer) {
	t.Helper()
	tokens := issuer.New()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Amz-Target") == "Logs_20140328.PutLogEvents" {
			_, _ = w.Write([]byte("{}"))
			return
		}
		if r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" ||
			string(asked) != `{"Name":"/orderflow/local/token-keys"}` {
			t.Errorf("asked %s %s", r.Header.Get("X-Amz-Target"), asked)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": tokens.KeySet()}})
	}))
	t.Cleanup(store.Close)
	return environment(map[string]string{
		"TOKEN_ISSUER": "https://issuer.example", "TOKEN_AUDIENCE": "client-1",
		"TOKEN_KEYS": "/orderflow/local/token-keys", "OPERATOR_ACTIONS": "actions", "AWS_ENDPOINT_URL": store.URL,
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	}), tokens
}

func environment(vars map[string]string) *function.Env {
	return function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.At(now))
}

func sign(t *testing.T, of *issuer.Issuer, change map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": "https://issuer.example", "aud": "client-1", "token_use": "id", "sub": "customer-1",
		"email": "a@example.com", "email_verified": true, "cognito:groups": []string{"operator"},
		"exp": now.Add(time.Hour).Unix(),
	}
	for name, v := range change {
		claims[name] = v
	}
	token, err := of.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// configure returns the function of an operation, and the callers of the requests that it handles.
func configure(t *testing.T, env *function.Env, id string) (h function.Handler, handled *[]httpapi.Identity) {
	t.Helper()
	handled = new([]httpapi.Identity)
	h = httpapi.Handle(id, func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		*handled = append(*handled, r.Caller)
		return httpapi.OK(map[string]string{}), nil
	})
	function.Configure(h, env)
	return h, handled
}

// withoutAuthorizer returns a request on a stage without an authorizer.
func withoutAuthorizer(authorization ...string) apiRequest {
	return request(func(in *apiRequest) {
		in.RequestContext.Authorizer = nil
		if len(authorization) == 1 {
			in.Headers["authorization"] = authorization[0]
		}
		in.MultiValueHeaders = map[string][]string{"authorization": authorization}
	})
}

func TestWithoutAnAuthorizerTheFunctionVerifiesTheToken(t *testing.T) {
	env, of := stage(t)
	h, handled := configure(t, env, "adjustStock")
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	good := sign(t, of, nil)
	out, _ := answer(t, h, withoutAuthorizer("Bearer "+good))
	if out.StatusCode != http.StatusOK || len(*handled) != 1 {
		t.Fatalf("%d %s, callers %+v", out.StatusCode, out.Body, *handled)
	}
	if who := (*handled)[0]; who.Subject != "customer-1" || who.Email != "a@example.com" || !who.In("operator") {
		t.Fatalf("caller %+v", who)
	}
	for name, in := range map[string]apiRequest{
		"no token":       withoutAuthorizer(),
		"empty":          withoutAuthorizer(""),
		"garbage":        withoutAuthorizer("Bearer garbage"),
		"no scheme":      withoutAuthorizer(good),
		"two tokens":     withoutAuthorizer("Bearer "+good, "Bearer "+good),
		"unsigned":       withoutAuthorizer("Bearer " + good[:strings.LastIndex(good, ".")+1]),
		"expired":        withoutAuthorizer("Bearer " + sign(t, of, map[string]any{"exp": now.Unix()})),
		"access token":   withoutAuthorizer("Bearer " + sign(t, of, map[string]any{"token_use": "access"})),
		"another client": withoutAuthorizer("Bearer " + sign(t, of, map[string]any{"aud": "client-2"})),
		"another issuer": withoutAuthorizer("Bearer " + sign(t, of, map[string]any{"iss": "https://other.example"})),
		"no subject":     withoutAuthorizer("Bearer " + sign(t, of, map[string]any{"sub": ""})),
	} {
		out, p := answer(t, h, in)
		if out.StatusCode != http.StatusUnauthorized || p.Code != "Unauthenticated" ||
			out.Headers["WWW-Authenticate"] != "Bearer" {
			t.Errorf("%s: %d %s %v", name, out.StatusCode, out.Body, out.Headers)
		}
	}
	customer := sign(t, of, map[string]any{"cognito:groups": []string{"customers"}})
	out, _ = answer(t, h, withoutAuthorizer("Bearer "+customer))
	if out.StatusCode != http.StatusForbidden || len(*handled) != 1 {
		t.Errorf("a customer: %d, %d handled", out.StatusCode, len(*handled))
	}
}

func TestAuthorizerClaimsTakePrecedenceOverTheToken(t *testing.T) {
	env, of := stage(t)
	h, handled := configure(t, env, "adjustStock")
	good := "Bearer " + sign(t, of, nil)
	for name, claims := range map[string]any{
		"null": nil, "empty": map[string]any{}, "text": "sub=customer-1",
		"access token": map[string]any{"sub": "customer-1", "token_use": "access"},
	} {
		in := withoutAuthorizer(good)
		in.RequestContext.Authorizer = map[string]any{"claims": claims}
		if out, _ := answer(t, h, in); out.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, out.StatusCode)
		}
	}
	in := withoutAuthorizer("Bearer garbage")
	other := map[string]any{"sub": "customer-2", "token_use": "id", "cognito:groups": "operator"}
	in.RequestContext.Authorizer = map[string]any{"claims": other}
	if out, _ := answer(t, h, in); out.StatusCode != http.StatusOK || len(*handled) != 1 ||
		(*handled)[0].Subject != "customer-2" {
		t.Errorf("by the authorizer: %d %+v", out.StatusCode, *handled)
	}
}

// operations are all operations of the contract.
func operations(t *testing.T) (all []*api.Operation) {
	t.Helper()
	files, err := os.ReadDir("../../../api/operations")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d operations, %v", len(files), err)
	}
	for _, f := range files {
		op, err := api.Load(strings.TrimSuffix(f.Name(), ".json"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, op)
	}
	return all
}

func TestProtectedOperationsAnswer401WithoutAValidToken(t *testing.T) {
	verifying, of := stage(t)
	for _, op := range operations(t) {
		if op.Public {
			continue
		}
		for name, env := range map[string]*function.Env{"authorizer": environment(nil), "no authorizer": verifying} {
			h, handled := configure(t, env, op.ID)
			routed := httpapi.Route(map[string]httpapi.HandlerFunc{op.ID: ok})
			function.Configure(routed, env)
			foreign := "Bearer " + sign(t, of, map[string]any{"iss": "another"})
			for _, header := range []map[string]string{
				nil, {"Authorization": foreign}, {"Authorization": "Bearer x.y.z"},
			} {
				in := apiRequest{HTTPMethod: op.Method, Resource: op.Path, Path: op.Path, Headers: header}
				for _, h := range []function.Handler{h, routed} {
					if out, p := answer(t, h, in); out.StatusCode != http.StatusUnauthorized ||
						p.Code != "Unauthenticated" || len(*handled) > 0 {
						t.Errorf("%s, %s, %v: %d %s", op.ID, name, header, out.StatusCode, out.Body)
					}
				}
			}
			// A valid token is accepted only if the function verifies it.
			in := apiRequest{HTTPMethod: op.Method, Resource: op.Path, Path: op.Path,
				Headers: map[string]string{"Authorization": "Bearer " + sign(t, of, nil)}}
			for _, h := range []function.Handler{h, routed} {
				if out, _ := answer(t, h, in); (out.StatusCode == http.StatusUnauthorized) != (name == "authorizer") {
					t.Errorf("%s, %s, good token: %d", op.ID, name, out.StatusCode)
				}
			}
		}
	}
}

func TestUnreadableKeysAnswer503(t *testing.T) {
	_, of := stage(t)
	env := environment(map[string]string{
		"TOKEN_ISSUER": "https://issuer.example", "TOKEN_AUDIENCE": "client-1", "TOKEN_KEYS": "keys",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	})
	h, handled := configure(t, env, "adjustStock")
	out, p := answer(t, h, withoutAuthorizer("Bearer "+sign(t, of, nil)))
	if out.StatusCode != http.StatusServiceUnavailable || p.Code != "KeysUnavailable" || len(*handled) > 0 ||
		strings.Contains(out.Body, "127.0.0.1") {
		t.Errorf("%d %s", out.StatusCode, out.Body)
	}
}

func TestPublicOperationIgnoresTokens(t *testing.T) {
	env, _ := stage(t)
	h, handled := configure(t, env, "checkLiveness")
	for _, header := range []map[string]string{nil, {"Authorization": "Bearer garbage"}} {
		out, _ := answer(t, h, apiRequest{HTTPMethod: http.MethodGet, Path: "/health/live", Headers: header})
		if out.StatusCode != http.StatusOK {
			t.Errorf("%v: %d %s", header, out.StatusCode, out.Body)
		}
	}
	if len(*handled) != 2 || (*handled)[0].Subject != "" {
		t.Errorf("%+v", *handled)
	}
}

func TestIncompleteIssuerConfigurationDoesNotStart(t *testing.T) {
	env := environment(map[string]string{"TOKEN_ISSUER": "https://issuer.example", "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"})
	if configure(t, env, "checkLiveness"); env.Err() != nil {
		t.Errorf("public operation: %v", env.Err())
	}
	h, _ := configure(t, env, "adjustStock")
	for _, name := range []string{"TOKEN_KEYS", "TOKEN_AUDIENCE"} {
		if err := env.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
	if out, _ := answer(t, h, withoutAuthorizer("Bearer x.y.z")); out.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", out.StatusCode)
	}
}
