// Package bearer verifies bearer tokens in the function itself, on stages where no authorizer of
// API Gateway does: an emulator without Cognito, or `sam local`. It accepts what the authorizer of
// a Cognito user pool accepts, and no more: an ID token, signed with RS256 by a key of the issuer's
// set, for the configured issuer and client, within its time.
package bearer

import (
	"context"
	"crypto/rsa"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

const (
	// skew is how far the issuer's clock may be ahead of ours.
	skew = 5 * time.Second
	// maxToken is the length of the longest token that is parsed, in bytes; a Cognito ID token has
	// one to two thousand.
	maxToken = 8 << 10
)

// errRefused is the one answer to every token that is not valid. The reason goes to the log only.
var errRefused = fault.New(fault.Unauthenticated, "Unauthenticated", "the request carries no valid bearer token")

// Verifier verifies the tokens of one issuer for one client. It is safe for concurrent use.
type Verifier struct {
	configured bool
	parser     *jwt.Parser
	keys       *Keys
	clock      clock.Clock
}

// New returns a verifier of tokens whose claim iss is issuer and whose claim aud is audience or
// contains it. If either is empty, it refuses every token.
func New(issuer, audience string, keys *Keys, c clock.Clock) *Verifier {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithStrictDecoding(),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(skew), jwt.WithTimeFunc(c.Now))
	return &Verifier{configured: issuer != "" && audience != "", parser: parser, keys: keys, clock: c}
}

// Verify returns the claims of the token in the values of the request's Authorization header. A
// token that is not valid is a [fault.Unauthenticated]. If the keys cannot be read, the error is a
// [fault.Transient].
func (v *Verifier) Verify(ctx context.Context, authorization []string) (map[string]any, error) {
	if !v.configured {
		return nil, errRefused.Because(errors.New("no issuer or no audience is configured"))
	}
	text, err := credentials(authorization)
	if err != nil {
		return nil, errRefused.Because(err)
	}
	claims := jwt.MapClaims{}
	_, err = v.parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if unavailable := (*fault.Error)(nil); errors.As(err, &unavailable) {
		return nil, unavailable
	}
	if err == nil {
		err = v.check(claims)
	}
	if err != nil {
		return nil, errRefused.Because(err)
	}
	return claims, nil
}

// credentials returns the token of the only Authorization header (RFC 6750, section 2.1).
func credentials(authorization []string) (string, error) {
	if len(authorization) != 1 {
		return "", errors.New("not exactly one Authorization header")
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", errors.New("the scheme of the Authorization is not Bearer")
	case len(token) > maxToken:
		return "", errors.New("the token is longer than 8 KiB")
	case strings.ContainsAny(token, "\r\n"): // base64 decoders skip them: a token has one form only
		return "", errors.New("the token has a line break")
	}
	return token, nil
}

// key returns the key that the token names. Only its id counts, never a key or an address in the
// token itself, and no extension is understood (RFC 7515, section 4.1.11).
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (*rsa.PublicKey, error) {
	if _, given := t.Header["crit"]; given {
		return nil, errors.New("the token has a critical extension")
	}
	id, _ := t.Header["kid"].(string)
	if id == "" {
		return nil, errors.New("the token has no key id (kid)")
	}
	return v.keys.key(ctx, id)
}

// check looks at what the parser cannot: its leeway would extend the time of a token as well.
func (v *Verifier) check(claims jwt.MapClaims) error {
	if claims["token_use"] != "id" {
		return errors.New("the token is not an ID token")
	}
	if expires, err := claims.GetExpirationTime(); err != nil || !v.clock.Now().Before(expires.Time) {
		return jwt.ErrTokenExpired
	}
	return nil
}
