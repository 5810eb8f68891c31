package devstack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"orderflow/internal/ops/awsapi"
)

// tokenMargin is the minimum validity of a token that Token returns.
const tokenMargin = 10 * time.Minute

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,63}$`)

// account is a user's entry in users.json, which only its owner may read.
type account struct {
	Password string           `json:"password"`
	Pool     string           `json:"pool"`
	Tokens   map[string]token `json:"tokens"` // by role
}

type token struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// Email is the address of a local user.
func Email(user string) string { return user + "@example.com" }

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
	unlock, err := lock(filepath.Join(s.dir, "users"))
	if err != nil {
		return "", err
	}
	defer unlock()

	accounts := map[string]account{}
	file := filepath.Join(s.dir, "users", "users.json")
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &accounts)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: remove it and try again", file, err)
	}
	a := accounts[user]
	if a.Pool != s.Outputs["UserPoolId"] { // of an earlier emulator
		a = account{Pool: s.Outputs["UserPoolId"], Tokens: map[string]token{}}
	}
	if t := a.Tokens[role]; time.Until(t.Expires) >= tokenMargin {
		return t.ID, nil
	}
	if a.Password == "" {
		a.Password = "Aa1!" + rand.Text() // satisfies any password policy
	}
	t, err := s.signIn(ctx, user, role, a.Password)
	if err != nil {
		return "", err
	}
	a.Tokens[role], accounts[user] = t, a
	if data, err = json.MarshalIndent(accounts, "", "  "); err != nil {
		return "", err
	}
	return t.ID, writeFile(file, data, 0o600)
}

// signIn creates the user if needed, sets password and groups, and signs in.
func (s *Stack) signIn(ctx context.Context, user, role, password string) (token, error) {
	name := Email(user)
	err := s.cognito(ctx, "AdminCreateUser", map[string]any{"Username": name, "MessageAction": "SUPPRESS",
		"UserAttributes": []map[string]string{{"Name": "email", "Value": name},
			{"Name": "email_verified", "Value": "true"}}}, nil)
	if err != nil && !awsapi.Failed(err, "UsernameExistsException") {
		return token{}, fmt.Errorf("create user %s: %w", name, err)
	}
	err = s.cognito(ctx, "AdminSetUserPassword",
		map[string]any{"Username": name, "Password": password, "Permanent": true}, nil)
	if err != nil {
		return token{}, fmt.Errorf("set the password of %s: %w", name, err)
	}
	if err := s.setRole(ctx, name, role); err != nil {
		return token{}, err
	}
	var answer struct {
		ChallengeName        string
		AuthenticationResult struct {
			IdToken   string
			ExpiresIn int // seconds
		}
	}
	err = s.Emulator.callJSON(ctx, "cognito-idp", cognitoTarget+"InitiateAuth", map[string]any{
		"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": s.Outputs["UserPoolClientId"],
		"AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password}}, &answer)
	if err != nil {
		return token{}, fmt.Errorf("sign in as %s (the user pool client must allow USER_PASSWORD_AUTH): %w", name, err)
	}
	result := answer.AuthenticationResult
	if result.IdToken == "" {
		return token{}, fmt.Errorf("sign in as %s: unexpected challenge %q from Cognito", name, answer.ChallengeName)
	}
	return token{ID: result.IdToken, Expires: time.Now().Add(time.Duration(result.ExpiresIn) * time.Second)}, nil
}

// setRole puts the user into the group role and removes it from all others.
func (s *Stack) setRole(ctx context.Context, name, role string) error {
	var answer struct{ Groups []struct{ GroupName string } }
	if err := s.cognito(ctx, "AdminListGroupsForUser", map[string]any{"Username": name}, &answer); err != nil {
		return fmt.Errorf("list the groups of %s: %w", name, err)
	}
	for _, group := range answer.Groups {
		if group.GroupName == role {
			continue
		}
		err := s.cognito(ctx, "AdminRemoveUserFromGroup",
			map[string]any{"Username": name, "GroupName": group.GroupName}, nil)
		if err != nil {
			return fmt.Errorf("remove %s from group %s: %w", name, group.GroupName, err)
		}
	}
	if role == "" {
		return nil
	}
	if err := s.cognito(ctx, "AdminAddUserToGroup", map[string]any{"Username": name, "GroupName": role},
		nil); err != nil {
		return fmt.Errorf("put %s into group %q (is it in template.yaml?): %w", name, role, err)
	}
	return nil
}

const cognitoTarget = "AWSCognitoIdentityProviderService."

// cognito calls the stack's user pool as an administrator.
func (s *Stack) cognito(ctx context.Context, operation string, in map[string]any, out any) error {
	in["UserPoolId"] = s.Outputs["UserPoolId"]
	return s.Emulator.callJSON(ctx, "cognito-idp", cognitoTarget+operation, in, out)
}
