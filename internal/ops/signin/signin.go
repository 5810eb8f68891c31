// Package signin signs operators in to a Cognito user pool without a browser: an administrator's
// call, signed with AWS credentials, sends user name and password, then the answers to Cognito's
// challenges. The app client allows no other flow.
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

// maxChallenges bounds the challenges of one sign-in. A new password and a second factor are two.
const maxChallenges = 5

// Pool is a user pool and its app client for operators.
type Pool struct {
	API               awsapi.Client
	ID, ClientID      string
	Now               func() time.Time
	SetUpSecondFactor bool // enrol the user even if the pool does not require it
}

// Asker prompts the user who signs in.
type Asker interface {
	// Text asks for an answer that is shown while it is typed.
	Text(ctx context.Context, prompt string) (string, error)
	// Secret asks for an answer that is not shown.
	Secret(ctx context.Context, prompt string) (string, error)
	// Show prints a line of text.
	Show(text string)
}

// Token is the result of a sign-in.
type Token struct {
	Username string    `json:"username"`
	ID       string    `json:"idToken"`
	Expires  time.Time `json:"expires"`
}

// Groups returns the user's groups.
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

// answer is Cognito's answer to a sign-in or to a response to a challenge.
type answer struct {
	ChallengeName        string
	ChallengeParameters  map[string]string
	Session              string
	AuthenticationResult struct {
		IdToken, AccessToken string
		ExpiresIn            int // seconds
	}
}

// SignIn signs in a user.
func (p Pool) SignIn(ctx context.Context, username string, ask Asker) (Token, error) {
	password, err := ask.Secret(ctx, "Password")
	if err != nil {
		return Token{}, err
	}
	var a answer
	err = p.call(ctx, "AdminInitiateAuth", map[string]any{
		"UserPoolId": p.ID, "ClientId": p.ClientID, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
		"AuthParameters": map[string]string{"USERNAME": username, "PASSWORD": password},
	}, &a)
	for range maxChallenges {
		if err != nil || a.ChallengeName == "" {
			break
		}
		a, err = p.respond(ctx, username, a, ask)
	}
	result := a.AuthenticationResult
	switch {
	case err != nil:
		return Token{}, err
	case result.IdToken == "":
		return Token{}, fmt.Errorf("sign-in: Cognito keeps asking for %s", a.ChallengeName)
	}
	if p.SetUpSecondFactor {
		if err := p.setUp(ctx, result.AccessToken, ask); err != nil {
			return Token{}, err
		}
	}
	expires := p.Now().Add(time.Duration(result.ExpiresIn) * time.Second)
	return Token{Username: username, ID: result.IdToken, Expires: expires}, nil
}

// respond responds to one challenge.
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
		err = fmt.Errorf("sign-in: Cognito asks for %s, which this command does not support", challenge.ChallengeName)
	}
	if err != nil {
		return answer{}, err
	}
	maps.Copy(responses, more)
	var next answer
	err = p.call(ctx, "AdminRespondToAuthChallenge", map[string]any{
		"UserPoolId": p.ID, "ClientId": p.ClientID, "ChallengeName": challenge.ChallengeName,
		"Session": session, "ChallengeResponses": responses,
	}, &next)
	return next, err
}

func newPassword(ctx context.Context, ask Asker) (map[string]string, error) {
	ask.Show("Your password is temporary: choose a new one.")
	password, err := ask.Secret(ctx, "New password")
	if err != nil {
		return nil, err
	}
	again, err := ask.Secret(ctx, "New password, again")
	if err != nil {
		return nil, err
	}
	if password != again {
		return nil, errors.New("the new passwords differ; nothing was changed: sign in again")
	}
	return map[string]string{"NEW_PASSWORD": password}, nil
}

func code(ctx context.Context, ask Asker, name string) (map[string]string, error) {
	c, err := ask.Text(ctx, "Code of the authenticator app")
	return map[string]string{name: strings.ReplaceAll(c, " ", "")}, err
}

// enrol shares a secret with the user's authenticator app and verifies a code of the app. user
// identifies the user by session or by access token.
func (p Pool) enrol(ctx context.Context, user map[string]any, ask Asker) (session string, err error) {
	var secret struct{ SecretCode, Session string }
	if err := p.call(ctx, "AssociateSoftwareToken", user, &secret); err != nil {
		return "", err
	}
	ask.Show("Add an account with this secret to an authenticator app (time-based, 6 digits): " + secret.SecretCode)
	c, err := code(ctx, ask, "code")
	if err != nil {
		return "", err
	}
	verify := maps.Clone(user)
	verify["UserCode"] = c["code"]
	if _, bySession := user["Session"]; bySession { // never both
		verify["Session"] = secret.Session
	}
	var verified struct{ Status, Session string }
	if err := p.call(ctx, "VerifySoftwareToken", verify, &verified); err != nil {
		return "", err
	}
	if verified.Status != "SUCCESS" {
		return "", errors.New("the code is wrong: sign in again")
	}
	return verified.Session, nil
}

// setUp enrols a user who signed in without a second factor.
func (p Pool) setUp(ctx context.Context, accessToken string, ask Asker) error {
	if _, err := p.enrol(ctx, map[string]any{"AccessToken": accessToken}, ask); err != nil {
		return err
	}
	return p.call(ctx, "SetUserMFAPreference", map[string]any{
		"AccessToken":              accessToken,
		"SoftwareTokenMfaSettings": map[string]bool{"Enabled": true, "PreferredMfa": true},
	}, nil)
}

func (p Pool) call(ctx context.Context, operation string, in map[string]any, out any) error {
	err := p.API.JSON(ctx, "cognito-idp", "AWSCognitoIdentityProviderService."+operation, in, out)
	if awsapi.Failed(err, "AccessDeniedException") {
		return fmt.Errorf("%w\nSigning in needs the permissions cognito-idp:AdminInitiateAuth and "+
			"cognito-idp:AdminRespondToAuthChallenge on the user pool %s", err, p.ID)
	}
	return err
}
