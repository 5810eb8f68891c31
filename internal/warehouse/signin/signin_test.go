package signin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
	"orderflow/internal/warehouse/signin"
)

const known = `{"username":"w","password":"p"}`

// pool is a user pool that signs w in with password p, or answers with what answer says.
type pool struct {
	signIns int
	answer  string
}

func (p *pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		UserPoolID     string `json:"UserPoolId"`
		ClientID       string `json:"ClientId"`
		AuthFlow       string
		AuthParameters map[string]string
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.signIns++
	switch {
	case r.Header.Get("X-Amz-Target") != "AWSCognitoIdentityProviderService.AdminInitiateAuth",
		in.UserPoolID != "pool", in.ClientID != "client", in.AuthFlow != "ADMIN_USER_PASSWORD_AUTH",
		in.AuthParameters["USERNAME"] != "w", in.AuthParameters["PASSWORD"] != "p":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"NotAuthorizedException"}`))
	case p.answer != "":
		_, _ = w.Write([]byte(p.answer))
	default:
		_, _ = fmt.Fprintf(w, `{"AuthenticationResult":{"IdToken":"t%d","ExpiresIn":900}}`, p.signIns)
	}
}

func open(t *testing.T, p *pool, secret string) (*signin.User, *clock.Manual) {
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	cfg := aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	return &signin.User{
		Secret: func(context.Context) ([]byte, error) { return []byte(secret), nil }, Pool: "pool", Client: "client",
		Cognito: awsjson.New(cfg, c, "cognito-idp", "cognito-idp", "AWSCognitoIdentityProviderService"), Clock: c,
	}, c
}

func want(t *testing.T, u *signin.User, header string) {
	t.Helper()
	if got, err := u.Authorization(t.Context()); err != nil || got != header {
		t.Errorf("Authorization: %q, %v; want %q", got, err, header)
	}
}

func TestTokenIsUsedUntilShortlyBeforeItsExpiry(t *testing.T) {
	u, c := open(t, &pool{}, known)
	want(t, u, "Bearer t1")
	c.Advance(14*time.Minute - 1)
	want(t, u, "Bearer t1")
	c.Advance(1)
	want(t, u, "Bearer t2")
}

func TestRefusedTokenIsReplaced(t *testing.T) {
	u, _ := open(t, &pool{}, known)
	want(t, u, "Bearer t1")
	u.Forget()
	want(t, u, "Bearer t2")
}

func TestFailedSignInSaysWhyWithoutTheSecret(t *testing.T) {
	for secret, c := range map[string]struct {
		answer string
		want   error
	}{
		`{"username":"w","password":"wrong"}`: {"", signin.ErrSignIn},
		known:                                 {`{"ChallengeName":"SOFTWARE_TOKEN_MFA"}`, signin.ErrSignIn},
		`{"username":"w"}`:                    {"", signin.ErrSecret},
		`p4ssw0rd`:                            {"", signin.ErrSecret},
	} {
		u, _ := open(t, &pool{answer: c.answer}, secret)
		if _, err := u.Authorization(t.Context()); !errors.Is(err, c.want) {
			t.Errorf("secret %s: %v, want %v", secret, err, c.want)
		}
	}
}

func TestStageWithoutAPoolHasItsTokenInTheSecret(t *testing.T) {
	p := &pool{}
	u, _ := open(t, p, `{"token":"local"}`)
	u.Pool = ""
	want(t, u, "Bearer local")
	if p.signIns > 0 {
		t.Errorf("%d sign-ins", p.signIns)
	}
	u, _ = open(t, p, known)
	u.Pool = ""
	if _, err := u.Authorization(t.Context()); !errors.Is(err, signin.ErrSecret) {
		t.Errorf("without a token: %v, want ErrSecret", err)
	}
}
