// Package signin signs operators in to a user pool, as who may call AWS: an administrator's call with name and password, and
// whatever Cognito asks for after that. No browser is needed, and the app client allows nothing else.
package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
)

// rounds bounds how often Cognito may ask for something more: a new password and a second factor are two.
const rounds = 5

// Pool is a user pool and its app client for operators.
type Pool struct {
	API               awsapi.Client
	ID, ClientID      string
	Now               func() time.Time
	SetUpSecondFactor bool // have a user enrol who need not
}

// Asker asks who signs in.
type Asker interface {
	// Text asks for what may be seen while it is typed.
	Text(ctx context.Context, prompt string) (string, error)
	// Secret asks for what may not.
	Secret(ctx context.Context, prompt string) (string, error)
	// Tell says something.
	Tell(text string)
}

// Token is a sign-in that has succeeded.
type Token struct {
	Username string    `json:"username"`
	ID       string    `json:"idToken"`
	Expires  time.Time `json:"expires"`
}

// Groups are those of the user.
func (t Token) Groups() []string {
	var claims struct {
		Groups []string `json:"cognito:groups"`
	}
	parts := strings.Split(t.ID, ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return nil
	}
	return claims.Groups
}

// answer is Cognito's, to a sign-in or to the answer of a challenge.
type answer struct {
	ChallengeName        string
	ChallengeParameters  map[string]string
	Session              string
	AuthenticationResult struct {
		IdToken, AccessToken string
		ExpiresIn            int // seconds
	}
}

// SignIn signs username in.
func (p Pool) SignIn(ctx context.Context, username string, ask Asker) (Token, error) {
	password, err := ask.Secret(ctx, "Password")
	if err != nil {
		return Token{}, err
	}
	var a answer
	err = p.call(ctx, "AdminInitiateAuth", map[string]any{"UserPoolId": p.ID, "ClientId": p.ClientID, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": username, "PASSWORD": password}}, &a)
	for range rounds {
		if err != nil || a.ChallengeName == "" {
			break
		}
		a, err = p.respond(ctx, username, a, ask)
	}
	switch {
	case err != nil:
		return Token{}, err
	case a.AuthenticationResult.IdToken == "":
		return Token{}, fmt.Errorf("sign-in: Cognito asks for %s again and again", a.ChallengeName)
	}
	if p.SetUpSecondFactor {
		if err := p.setUp(ctx, a.AuthenticationResult.AccessToken, ask); err != nil {
			return Token{}, err
		}
	}
	return Token{Username: username, ID: a.AuthenticationResult.IdToken, Expires: p.Now().Add(time.Duration(a.AuthenticationResult.ExpiresIn) * time.Second)}, nil
}

// respond answers one challenge.
func (p Pool) respond(ctx context.Context, username string, challenge answer, ask Asker) (answer, error) {
	responses, session := map[string]string{"USERNAME": username}, challenge.Session
	if id := challenge.ChallengeParameters["USER_ID_FOR_SRP"]; id != "" {
		responses["USERNAME"] = id
	}
	var more map[string]string
	var err error
	switch challenge.ChallengeName {
	case "NEW_PASSWORD_REQUIRED":
		more, err = newPassword(ctx, ask)
	case "SOFTWARE_TOKEN_MFA":
		more, err = code(ctx, ask, "SOFTWARE_TOKEN_MFA_CODE")
	case "MFA_SETUP":
		session, err = p.enrol(ctx, map[string]any{"Session": challenge.Session}, ask)
	default:
		err = fmt.Errorf("sign-in: Cognito asks for %s, which this command does not know", challenge.ChallengeName)
	}
	if err != nil {
		return answer{}, err
	}
	maps.Copy(responses, more)
	var next answer
	err = p.call(ctx, "AdminRespondToAuthChallenge", map[string]any{"UserPoolId": p.ID, "ClientId": p.ClientID, "ChallengeName": challenge.ChallengeName,
		"Session": session, "ChallengeResponses": responses}, &next)
	return next, err
}

func newPassword(ctx context.Context, ask Asker) (map[string]string, error) {
	ask.Tell("The password was given to you and must be replaced by your own.")
	password, err := ask.Secret(ctx, "New password")
	if err != nil {
		return nil, err
	}
	again, err := ask.Secret(ctx, "New password, again")
	if err != nil {
		return nil, err
	}
	if password != again {
		return nil, errors.New("the two new passwords differ, nothing was changed: sign in again")
	}
	return map[string]string{"NEW_PASSWORD": password}, nil
}

func code(ctx context.Context, ask Asker, name string) (map[string]string, error) {
	c, err := ask.Text(ctx, "Code of the authenticator app")
	return map[string]string{name: strings.ReplaceAll(c, " ", "")}, err
}

// enrol has the user's authenticator app know a secret, and proves that it does. as says who the user is, by session or by token.
func (p Pool) enrol(ctx context.Context, as map[string]any, ask Asker) (session string, err error) {
	var secret struct{ SecretCode, Session string }
	if err := p.call(ctx, "AssociateSoftwareToken", as, &secret); err != nil {
		return "", err
	}
	ask.Tell("Add an account with this secret to an authenticator app (time-based, 6 digits): " + secret.SecretCode)
	c, err := code(ctx, ask, "code")
	if err != nil {
		return "", err
	}
	verify := maps.Clone(as)
	verify["UserCode"] = c["code"]
	if _, bySession := as["Session"]; bySession { // never both
		verify["Session"] = secret.Session
	}
	var verified struct{ Status, Session string }
	if err := p.call(ctx, "VerifySoftwareToken", verify, &verified); err != nil {
		return "", err
	}
	if verified.Status != "SUCCESS" {
		return "", errors.New("the code is not right: sign in again")
	}
	return verified.Session, nil
}

// setUp enrols a user who has signed in without a second factor.
func (p Pool) setUp(ctx context.Context, accessToken string, ask Asker) error {
	if _, err := p.enrol(ctx, map[string]any{"AccessToken": accessToken}, ask); err != nil {
		return err
	}
	return p.call(ctx, "SetUserMFAPreference", map[string]any{"AccessToken": accessToken,
		"SoftwareTokenMfaSettings": map[string]bool{"Enabled": true, "PreferredMfa": true}}, nil)
}

func (p Pool) call(ctx context.Context, operation string, in map[string]any, out any) error {
	err := p.API.JSON(ctx, "cognito-idp", "AWSCognitoIdentityProviderService."+operation, in, out)
	if awsapi.Failed(err, "AccessDeniedException") {
		return fmt.Errorf("%w\nTo sign in takes cognito-idp:AdminInitiateAuth and cognito-idp:AdminRespondToAuthChallenge on the user pool %s", err, p.ID)
	}
	return err
}
