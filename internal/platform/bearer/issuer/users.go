package issuer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Name and Audience are the claims iss and aud of the tokens of an issuer for development, and life
// is how long they are valid.
const (
	Name     = "orderflow-local"
	Audience = "orderflow-local-client"
	life     = time.Hour
)

// file holds the private key in a directory; only its owner may read it.
func file(dir string) string { return filepath.Join(dir, "users", "issuer.der") }

// In returns the issuer whose key is in a directory, or nil.
func In(dir string) (*Issuer, error) {
	der, err := os.ReadFile(file(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own, err := Parse(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove it and start again", file(dir), err)
	}
	return own, nil
}

// Keep returns the issuer whose key is in a directory, and creates a missing one.
func Keep(dir string) (*Issuer, error) {
	own, err := In(dir)
	if own != nil || err != nil {
		return own, err
	}
	own = New()
	der, err := own.Marshal()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file(dir)), 0o700)
	}
	if err == nil {
		err = os.WriteFile(file(dir), der, 0o600)
	}
	return own, err
}

// Email is the address of a user.
func Email(user string) string { return user + "@example.com" }

// Token returns a token with the claims of a user pool's tokens, for a user with a role; an empty
// role is a customer. A user always has the same customer id.
func (i *Issuer) Token(user, role string, now time.Time) (string, error) {
	email := Email(user)
	id := sha256.Sum256([]byte(email))
	claims := map[string]any{"iss": Name, "aud": Audience, "token_use": "id", "iat": now.Unix(),
		"exp": now.Add(life).Unix(),
		"sub": fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16]), "email": email,
		"email_verified": true}
	if role != "" {
		claims["cognito:groups"] = []string{role}
	}
	return i.Sign(claims)
}
