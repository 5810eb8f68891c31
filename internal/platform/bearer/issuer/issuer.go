// Package issuer signs ID tokens as a Cognito user pool does, for stages without one and for tests.
// No function links it.
package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// bits is the size of a key, that of Cognito's.
const bits = 2048

// Issuer is a key pair. It is safe for concurrent use.
type Issuer struct {
	key *rsa.PrivateKey
	id  string
}

// New returns an issuer with a key of its own.
func New() *Issuer {
	key, _ := rsa.GenerateKey(rand.Reader, bits) // it fails for other sizes only
	return newIssuer(key)
}

// Parse returns the issuer whose private key Marshal has returned.
func Parse(der []byte) (*Issuer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	pair, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not an RSA key")
	}
	return newIssuer(pair), nil
}

// newIssuer derives the id of a key from the key, so that different keys have different ids.
func newIssuer(key *rsa.PrivateKey) *Issuer {
	sum := sha256.Sum256(key.N.Bytes())
	return &Issuer{key: key, id: encode(sum[:12])}
}

// Marshal returns the private key in PKCS #8.
func (i *Issuer) Marshal() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(i.key) }

// KeySet returns the public key as a JSON Web Key Set (RFC 7517).
func (i *Issuer) KeySet() string {
	n := encode(i.key.N.Bytes())
	return `{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"` + i.id + `","e":"AQAB","n":"` + n + `"}]}`
}

// Sign returns the claims as a token (RFC 7519), signed with RS256.
func (i *Issuer) Sign(claims map[string]any) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims))
	token.Header["kid"] = i.id
	return token.SignedString(i.key)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
