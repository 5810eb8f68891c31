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

	"github.com/aws/aws-lambda-go/events"

	"orderflow/api"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// stage is one without an authorizer: the environment of its functions, and the issuer whose tokens they take.
func stage(t *testing.T) (*function.Env, *issuer.Issuer) {
	t.Helper()
	of := issuer.New()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Amz-Target") == "Logs_20140328.PutLogEvents" {
			_, _ = w.Write([]byte("{}"))
			return
		}
		if r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" || string(asked) != `{"Name":"/orderflow/local/token-keys"}` {
			t.Errorf("asked %s %s", r.Header.Get("X-Amz-Target"), asked)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": of.KeySet()}})
	}))
	t.Cleanup(store.Close)
	return environment(map[string]string{"TOKEN_ISSUER": "https://issuer.example", "TOKEN_AUDIENCE": "client-1", "TOKEN_KEYS": "/orderflow/local/token-keys",
		"OPERATOR_ACTIONS": "actions", "AWS_ENDPOINT_URL": store.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}), of
}

func environment(vars map[string]string) *function.Env {
	return function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.At(now))
}

func sign(t *testing.T, of *issuer.Issuer, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": "https://issuer.example", "aud": "client-1", "token_use": "id", "sub": "customer-1", "email": "a@example.com", "email_verified": true,
		"cognito:groups": []string{"operator"}, "exp": now.Add(time.Hour).Unix()}
	for name, v := range change {
		claims[name] = v
	}
	token, err := of.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// compose makes the function of an operation in an environment, and counts the requests that it handles.
func compose(t *testing.T, env *function.Env, id string) (h function.Handler, handled *[]httpapi.Identity) {
	t.Helper()
	handled = new([]httpapi.Identity)
	h = httpapi.Handle(id, func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		*handled = append(*handled, r.Caller)
		return httpapi.OK(map[string]string{}), nil
	})
	function.Configure(h, env)
	return h, handled
}

// behindNothing is a request on a stage without an authorizer.
func behindNothing(authorization ...string) events.APIGatewayProxyRequest {
	return request(func(in *events.APIGatewayProxyRequest) {
		in.RequestContext.Authorizer = nil
		if len(authorization) == 1 {
			in.Headers["authorization"] = authorization[0]
		}
		in.MultiValueHeaders = map[string][]string{"authorization": authorization}
	})
}

func TestWithoutAnAuthorizerTheFunctionVerifiesTheToken(t *testing.T) {
	env, of := stage(t)
	h, handled := compose(t, env, "adjustStock")
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	good := sign(t, of, nil)
	out, _ := answer(t, h, behindNothing("Bearer "+good))
	if out.StatusCode != http.StatusOK || len(*handled) != 1 || (*handled)[0].Subject != "customer-1" || (*handled)[0].Email != "a@example.com" || !(*handled)[0].In("operator") {
		t.Fatalf("%d %s, callers %+v", out.StatusCode, out.Body, *handled)
	}
	for name, in := range map[string]events.APIGatewayProxyRequest{
		"no token":       behindNothing(),
		"empty":          behindNothing(""),
		"garbage":        behindNothing("Bearer garbage"),
		"no scheme":      behindNothing(good),
		"two tokens":     behindNothing("Bearer "+good, "Bearer "+good),
		"unsigned":       behindNothing("Bearer " + good[:strings.LastIndex(good, ".")+1]),
		"expired":        behindNothing("Bearer " + sign(t, of, map[string]any{"exp": now.Unix()})),
		"access token":   behindNothing("Bearer " + sign(t, of, map[string]any{"token_use": "access"})),
		"another client": behindNothing("Bearer " + sign(t, of, map[string]any{"aud": "client-2"})),
		"another issuer": behindNothing("Bearer " + sign(t, of, map[string]any{"iss": "https://other.example"})),
		"no subject":     behindNothing("Bearer " + sign(t, of, map[string]any{"sub": ""})),
	} {
		out, p := answer(t, h, in)
		if out.StatusCode != http.StatusUnauthorized || p.Code != "Unauthenticated" || out.Headers["WWW-Authenticate"] != "Bearer" {
			t.Errorf("%s: %d %s %v", name, out.StatusCode, out.Body, out.Headers)
		}
	}
	out, _ = answer(t, h, behindNothing("Bearer "+sign(t, of, map[string]any{"cognito:groups": []string{"customers"}})))
	if out.StatusCode != http.StatusForbidden || len(*handled) != 1 {
		t.Errorf("a customer: %d, %d handled", out.StatusCode, len(*handled))
	}
}

func TestWhatAnAuthorizerHasLeftCountsAndNotTheToken(t *testing.T) {
	env, of := stage(t)
	h, handled := compose(t, env, "adjustStock")
	good := "Bearer " + sign(t, of, nil)
	for name, left := range map[string]any{
		"null": nil, "empty": map[string]any{}, "text": "sub=customer-1", "access token": map[string]any{"sub": "customer-1", "token_use": "access"},
	} {
		in := behindNothing(good)
		in.RequestContext.Authorizer = map[string]any{"claims": left}
		if out, _ := answer(t, h, in); out.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, out.StatusCode)
		}
	}
	in := behindNothing("Bearer garbage")
	in.RequestContext.Authorizer = map[string]any{"claims": map[string]any{"sub": "customer-2", "token_use": "id", "cognito:groups": "operator"}}
	if out, _ := answer(t, h, in); out.StatusCode != http.StatusOK || len(*handled) != 1 || (*handled)[0].Subject != "customer-2" {
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

func TestEveryOperationThatIsNotPublicAnswers401WithoutATokenOnEveryTarget(t *testing.T) {
	verifying, of := stage(t)
	for _, op := range operations(t) {
		if op.Public {
			continue
		}
		for name, env := range map[string]*function.Env{"authorizer in front": environment(nil), "no authorizer": verifying} {
			h, handled := compose(t, env, op.ID)
			routed := httpapi.Route(map[string]httpapi.HandlerFunc{op.ID: ok})
			function.Configure(routed, env)
			for _, header := range []map[string]string{nil, {"Authorization": "Bearer " + sign(t, of, map[string]any{"iss": "another"})}, {"Authorization": "Bearer x.y.z"}} {
				in := events.APIGatewayProxyRequest{HTTPMethod: op.Method, Resource: op.Path, Path: op.Path, Headers: header}
				for _, h := range []function.Handler{h, routed} {
					if out, p := answer(t, h, in); out.StatusCode != http.StatusUnauthorized || p.Code != "Unauthenticated" || len(*handled) > 0 {
						t.Errorf("%s, %s, %v: %d %s", op.ID, name, header, out.StatusCode, out.Body)
					}
				}
			}
			// A good token opens it where the function verifies, and only there.
			in := events.APIGatewayProxyRequest{HTTPMethod: op.Method, Resource: op.Path, Path: op.Path, Headers: map[string]string{"Authorization": "Bearer " + sign(t, of, nil)}}
			for _, h := range []function.Handler{h, routed} {
				if out, _ := answer(t, h, in); (out.StatusCode == http.StatusUnauthorized) != (name == "authorizer in front") {
					t.Errorf("%s, %s, good token: %d", op.ID, name, out.StatusCode)
				}
			}
		}
	}
}

func TestKeysThatCannotBeReadAre503(t *testing.T) {
	_, of := stage(t)
	env := environment(map[string]string{"TOKEN_ISSUER": "https://issuer.example", "TOKEN_AUDIENCE": "client-1", "TOKEN_KEYS": "keys",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
	h, handled := compose(t, env, "adjustStock")
	out, p := answer(t, h, behindNothing("Bearer "+sign(t, of, nil)))
	if out.StatusCode != http.StatusServiceUnavailable || p.Code != "KeysUnavailable" || len(*handled) > 0 || strings.Contains(out.Body, "127.0.0.1") {
		t.Errorf("%d %s", out.StatusCode, out.Body)
	}
}

func TestPublicOperationAsksForNoTokenAnywhere(t *testing.T) {
	env, _ := stage(t)
	h, handled := compose(t, env, "checkLiveness")
	for _, header := range []map[string]string{nil, {"Authorization": "Bearer garbage"}} {
		out, _ := answer(t, h, events.APIGatewayProxyRequest{HTTPMethod: http.MethodGet, Path: "/health/live", Headers: header})
		if out.StatusCode != http.StatusOK {
			t.Errorf("%v: %d %s", header, out.StatusCode, out.Body)
		}
	}
	if len(*handled) != 2 || (*handled)[0].Subject != "" {
		t.Errorf("%+v", *handled)
	}
}

func TestStageWithHalfAnIssuerDoesNotStart(t *testing.T) {
	env := environment(map[string]string{"TOKEN_ISSUER": "https://issuer.example", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"})
	if compose(t, env, "checkLiveness"); env.Err() != nil {
		t.Errorf("a public operation misses %v", env.Err())
	}
	h, _ := compose(t, env, "adjustStock")
	for _, name := range []string{"TOKEN_KEYS", "TOKEN_AUDIENCE"} {
		if err := env.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
	if out, _ := answer(t, h, behindNothing("Bearer x.y.z")); out.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", out.StatusCode)
	}
}
