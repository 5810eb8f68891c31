// Package signin gets the token with which warehouse calls inventory's API: that of a service user
// in the core's user pool.
//
// The password alone opens nothing: the operators' app client allows no flow but the one for
// callers with AWS credentials and the grant for it. A stage without a user pool has no sign-in:
// there the secret holds a token.
package signin

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/secrets"
)

var (
	// ErrSecret: the secret of the service user is not filled in.
	ErrSecret = fault.New(fault.Transient, "ServiceUserMissing", "the secret of the service user has no credentials")
	// ErrSignIn: Cognito did not sign the service user in.
	ErrSignIn = fault.New(fault.Transient, "SignInFailed", "the service user was not signed in")
)

// early is how long before its expiry a token is no longer used.
const early = time.Minute

// User is the service user.
type User struct {
	// Secret returns {"username","password"}, or {"token"} on a stage without a user pool.
	Secret func(ctx context.Context) ([]byte, error)
	// Pool and Client are the user pool and the app client.
	Pool, Client string
	Cognito      awsjson.Client
	Clock        clock.Clock

	mu      sync.Mutex
	token   string
	expires time.Time
}

// FromEnv returns the user in the secret SERVICE_USER, of the pool USER_POOL_ID and its app client
// USER_POOL_CLIENT.
func FromEnv(env *function.Env) *User {
	cfg := env.AWS()
	return &User{
		Secret: secrets.Open(cfg, env.Require("SERVICE_USER"), env.Clock).Value,
		Pool:   env.Optional("USER_POOL_ID"), Client: env.Optional("USER_POOL_CLIENT"), Clock: env.Clock,
		Cognito: awsjson.New(cfg, env.Clock, "cognito-idp", "cognito-idp", "AWSCognitoIdentityProviderService"),
	}
}

// Authorization returns the value of the header. A token is used until shortly before it expires.
func (u *User) Authorization(ctx context.Context) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.token == "" || !u.Clock.Now().Add(early).Before(u.expires) {
		if err := u.signIn(ctx); err != nil {
			return "", err
		}
	}
	return "Bearer " + u.token, nil
}

// Forget drops a token that was refused: the user's groups or the pool may have changed.
func (u *User) Forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.token = ""
}

func (u *User) signIn(ctx context.Context) error {
	text, err := u.Secret(ctx)
	if err != nil {
		return ErrSecret.Because(err)
	}
	var user struct{ Username, Password, Token string }
	if json.Unmarshal(text, &user) != nil { // the error would quote the secret
		return ErrSecret
	}
	if u.Pool == "" {
		if user.Token == "" {
			return ErrSecret
		}
		u.token, u.expires = user.Token, u.Clock.Now().Add(2*early)
		return nil
	}
	if user.Username == "" || user.Password == "" {
		return ErrSecret
	}
	var answer struct {
		ChallengeName        string
		AuthenticationResult struct {
			IDToken   string `json:"IdToken"`
			ExpiresIn int    // seconds
		}
	}
	err = u.Cognito.Call(ctx, "AdminInitiateAuth", map[string]any{
		"UserPoolId": u.Pool, "ClientId": u.Client, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": user.Username, "PASSWORD": user.Password},
	}, &answer)
	switch result := answer.AuthenticationResult; {
	case err != nil:
		return ErrSignIn.Because(err)
	case result.IDToken == "":
		return ErrSignIn.Detailf("Cognito asks for more than a password: %s", answer.ChallengeName)
	default:
		u.token = result.IDToken
		u.expires = u.Clock.Now().Add(time.Duration(result.ExpiresIn) * time.Second)
		return nil
	}
}
