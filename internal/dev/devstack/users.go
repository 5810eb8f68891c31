package devstack

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/bearer/issuer"
)

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,63}$`)

// password is that of every user: anyone who can reach the emulator has its root credentials.
const password = "Local-users-only-1"

type userRole struct{ user, role string }

type token struct {
	text    string
	expires time.Time
}

// Token returns a bearer token of the user (a Cognito ID token, valid for at least ten minutes),
// and creates the user if needed. Afterwards the user is in the group role only; with an empty role
// in none, as customers are. A stack without an authorizer has no users, and signs a token for any
// name.
func (s *Stack) Token(ctx context.Context, user, role string) (string, error) {
	if !userName.MatchString(user) {
		return "", fmt.Errorf("%q cannot be a user name: use lower-case letters, digits and . _ + -", user)
	}
	if s.Outputs["UserPoolId"] == "" {
		return s.ownToken(user, role)
	}
	s.signingIn.Lock()
	defer s.signingIn.Unlock()
	if t := s.tokens[userRole{user, role}]; time.Until(t.expires) >= 10*time.Minute {
		return t.text, nil
	}
	t, err := s.signIn(ctx, issuer.Email(user), role)
	if err != nil {
		return "", err
	}
	if s.tokens == nil {
		s.tokens = map[userRole]token{}
	}
	s.tokens[userRole{user, role}] = t
	return t.text, nil
}

// Credentials returns what a service signs in with as the user: name and password, or the user's
// token on a stack without a user pool. The user is created as by Token.
func (s *Stack) Credentials(ctx context.Context, user, role string) (map[string]string, error) {
	text, err := s.Token(ctx, user, role)
	if err != nil || s.Outputs["UserPoolId"] == "" {
		return map[string]string{"token": text}, err
	}
	return map[string]string{"username": issuer.Email(user), "password": password}, nil
}

// signIn creates the user if needed, sets password and groups, and signs in.
func (s *Stack) signIn(ctx context.Context, name, role string) (token, error) {
	err := s.cognito(ctx, "AdminCreateUser", name, map[string]any{"MessageAction": "SUPPRESS",
		"UserAttributes": []map[string]string{{"Name": "email", "Value": name},
			{"Name": "email_verified", "Value": "true"}}}, nil)
	if err == nil || awsapi.Failed(err, "UsernameExistsException") {
		err = s.cognito(ctx, "AdminSetUserPassword", name, map[string]any{"Password": password, "Permanent": true}, nil)
	}
	if err == nil {
		err = s.setRole(ctx, name, role)
	}
	if err != nil {
		return token{}, err
	}
	var answer struct {
		ChallengeName        string
		AuthenticationResult struct {
			IdToken   string
			ExpiresIn int // seconds
		}
	}
	err = s.Emulator.api().JSON(ctx, "cognito-idp", cognitoTarget+"InitiateAuth", map[string]any{
		"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": s.Outputs["UserPoolClientId"],
		"AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password}}, &answer)
	result := answer.AuthenticationResult
	if err == nil && result.IdToken == "" {
		err = fmt.Errorf("unexpected challenge %q from Cognito", answer.ChallengeName)
	}
	if err != nil {
		return token{}, fmt.Errorf("sign in as %s (the user pool client must allow USER_PASSWORD_AUTH): %w", name, err)
	}
	return token{result.IdToken, time.Now().Add(time.Duration(result.ExpiresIn) * time.Second)}, nil
}

// setRole puts the user into the group role and removes it from all others.
func (s *Stack) setRole(ctx context.Context, name, role string) error {
	var answer struct{ Groups []struct{ GroupName string } }
	if err := s.cognito(ctx, "AdminListGroupsForUser", name, map[string]any{}, &answer); err != nil {
		return err
	}
	for _, group := range answer.Groups {
		if group.GroupName != role {
			err := s.cognito(ctx, "AdminRemoveUserFromGroup", name, map[string]any{"GroupName": group.GroupName}, nil)
			if err != nil {
				return err
			}
		}
	}
	if role == "" {
		return nil
	}
	return s.cognito(ctx, "AdminAddUserToGroup", name, map[string]any{"GroupName": role}, nil)
}

const cognitoTarget = "AWSCognitoIdentityProviderService."

// cognito calls the stack's user pool as an administrator.
func (s *Stack) cognito(ctx context.Context, operation, user string, in map[string]any, out any) error {
	in["UserPoolId"], in["Username"] = s.Outputs["UserPoolId"], user
	if err := s.Emulator.api().JSON(ctx, "cognito-idp", cognitoTarget+operation, in, out); err != nil {
		return fmt.Errorf("%s for %s: %w", operation, user, err)
	}
	return nil
}

// tokenKeys is the parameter with the keys of a stack without an authorizer, which has no user pool
// either: its tokens are signed here, with a key created at its first start.
const tokenKeys = "/orderflow/" + Stage + "/token-keys"

// tokenParameters publishes the keys of the stack's own issuer, if it has one, and returns its
// template parameters. A stack keeps its issuer.
func (s *Stack) tokenParameters(ctx context.Context, opts Options) ([]string, error) {
	find := issuer.In
	if opts.NoAuthorizer {
		find = issuer.Keep
	}
	own, err := find(s.dir)
	if err != nil || own == nil {
		return nil, err
	}
	if err := s.Emulator.putParameter(ctx, tokenKeys, own.KeySet()); err != nil {
		return nil, fmt.Errorf("publish the token keys: %w", err)
	}
	return []string{"TokenIssuer=" + issuer.Name, "TokenAudience=" + issuer.Audience}, nil
}

// ownToken signs a token with the claims of a user pool's tokens.
func (s *Stack) ownToken(user, role string) (string, error) {
	own, err := issuer.In(s.dir)
	if err == nil && own == nil {
		err = errors.New("the stack has neither a user pool nor a key for tokens: `make down`, then `make up`")
	}
	if err != nil {
		return "", err
	}
	return own.Token(user, role, time.Now())
}
