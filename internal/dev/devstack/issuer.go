package devstack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"orderflow/internal/platform/bearer/issuer"
)

// A stack without an authorizer has no user pool either: its tokens are signed here, with a key
// created at its first start.
const (
	tokenIssuer   = "orderflow-local"
	tokenAudience = "orderflow-local-client"
	tokenKeys     = "/orderflow/" + Stage + "/token-keys"
	tokenLife     = time.Hour
)

// issuerFile holds the private key; only its owner may read it.
func issuerFile(dir string) string { return filepath.Join(dir, "users", "issuer.der") }

// ownIssuer returns the issuer of the stack in dir, or nil. With create, a missing one is created.
func ownIssuer(dir string, create bool) (*issuer.Issuer, error) {
	unlock, err := lock(filepath.Dir(issuerFile(dir)))
	if err != nil {
		return nil, err
	}
	defer unlock()
	der, err := os.ReadFile(issuerFile(dir))
	switch {
	case err == nil:
		own, err := issuer.Parse(der)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: `make down`, then `make up`", issuerFile(dir), err)
		}
		return own, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	case !create:
		return nil, nil
	}
	own := issuer.New()
	if der, err = own.Marshal(); err != nil {
		return nil, err
	}
	return own, writeFile(issuerFile(dir), der, 0o600)
}

// tokenParameters publishes the keys of the stack's own issuer, if it has one, and returns its
// template parameters. A stack keeps its issuer.
func (s *Stack) tokenParameters(ctx context.Context, opts Options) ([]string, error) {
	own, err := ownIssuer(s.dir, opts.NoAuthorizer)
	if err != nil || own == nil {
		return nil, err
	}
	in := map[string]any{"Name": tokenKeys, "Value": own.KeySet(), "Type": "String", "Overwrite": true}
	if err := s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.PutParameter", in, nil); err != nil {
		return nil, fmt.Errorf("publish the token keys: %w", err)
	}
	return []string{"TokenIssuer=" + tokenIssuer, "TokenAudience=" + tokenAudience}, nil
}

// ownToken signs a token with the claims of a user pool's tokens. A user always has the same
// customer id.
func (s *Stack) ownToken(user, role string) (string, error) {
	own, err := ownIssuer(s.dir, false)
	if err == nil && own == nil {
		err = errors.New("the stack has neither a user pool nor a key for tokens: `make down`, then `make up`")
	}
	if err != nil {
		return "", err
	}
	id := sha256.Sum256([]byte(Email(user)))
	now := time.Now()
	claims := map[string]any{"iss": tokenIssuer, "aud": tokenAudience, "token_use": "id", "iat": now.Unix(),
		"exp": now.Add(tokenLife).Unix(),
		"sub": fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16]), "email": Email(user),
		"email_verified": true}
	if role != "" {
		claims["cognito:groups"] = []string{role}
	}
	return own.Sign(claims)
}
