// Package bearer verifies bearer tokens in the function itself, for stages where no authorizer of API Gateway does: an
// emulator without Cognito, or `sam local`. It accepts what the authorizer of a Cognito user pool accepts, and no more: an
// ID token, signed with RS256 by a key of the issuer's set, for the configured issuer and client, within its time.
package bearer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

// skew is how far the issuer's clock may be ahead of ours.
const skew = 5 * time.Second

// errRefused is the one answer to every token that is not good: why is nobody's business but the log's.
var errRefused = fault.New(fault.Unauthenticated, "Unauthenticated", "the request carries no valid bearer token")

// Verifier verifies the tokens of one issuer for one client. It is safe for concurrent use.
type Verifier struct {
	issuer, audience string
	keys             *Keys
	clock            clock.Clock
}

// New returns a verifier of tokens whose claim iss is issuer and whose claim aud is audience, neither of which may be empty.
func New(issuer, audience string, keys *Keys, c clock.Clock) *Verifier {
	return &Verifier{issuer: issuer, audience: audience, keys: keys, clock: c}
}

// Verify returns the claims of the token in the values of the request's Authorization header. A token that is not good is
// a [fault.Unauthenticated]; where the keys cannot be had, so that nobody knows, it is a [fault.Transient].
func (v *Verifier) Verify(ctx context.Context, authorization []string) (map[string]any, error) {
	if v.issuer == "" || v.audience == "" {
		return nil, errRefused.Because(errors.New("nothing is configured"))
	}
	text, err := credentials(authorization)
	if err != nil {
		return nil, errRefused.Because(err)
	}
	t, err := parse(text)
	if err != nil {
		return nil, errRefused.Because(err)
	}
	key, err := v.keys.key(ctx, t.key)
	if err != nil {
		return nil, err
	}
	claims, err := t.verified(key)
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
		return "", errors.New("there is not one Authorization header")
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("the Authorization is not of the scheme Bearer")
	}
	return token, nil
}

// check holds the claims of a token whose signature is good to what they must be.
func (v *Verifier) check(claims map[string]any) error {
	now := v.clock.Now()
	switch {
	case claims["iss"] != v.issuer:
		return errors.New("the token is of another issuer")
	case !meant(claims["aud"], v.audience):
		return errors.New("the token is for another client")
	case claims["token_use"] != "id":
		return errors.New("the token is no ID token")
	}
	if expires, ok := claims["exp"].(float64); !ok || seconds(now) >= expires {
		return errors.New("the token has expired, or never does")
	}
	for _, name := range []string{"nbf", "iat"} {
		if claim, given := claims[name]; given {
			if from, ok := claim.(float64); !ok || from > seconds(now.Add(skew)) {
				return errors.New("the token is not valid yet: " + name)
			}
		}
	}
	return nil
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// meant tells whether the claim aud, a text or a list of them (RFC 7519, section 4.1.3), has the audience.
func meant(claim any, audience string) bool {
	if list, ok := claim.([]any); ok {
		return slices.Contains(list, any(audience))
	}
	return claim == audience
}
