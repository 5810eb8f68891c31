package issuer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"orderflow/internal/platform/bearer"
	"orderflow/internal/platform/bearer/issuer"
	"orderflow/internal/platform/clock"
)

func TestSignedTokensAreVerifiedByTheirKeySetOnly(t *testing.T) {
	first, other := issuer.New(), issuer.New()
	der, err := first.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := issuer.Parse(der)
	if err != nil || again.KeySet() != first.KeySet() || other.KeySet() == first.KeySet() {
		t.Fatalf("%v: the key set of the same key is another, or that of another key is the same", err)
	}
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	keys := bearer.NewKeys(func(context.Context) (string, error) { return first.KeySet(), nil }, c)
	v := bearer.New("local", "client", keys, c)
	for i, want := range map[*issuer.Issuer]bool{first: true, again: true, other: false} {
		token, err := i.Sign(map[string]any{
			"iss": "local", "aud": "client", "token_use": "id", "sub": "s", "exp": c.Now().Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		claims, err := v.Verify(t.Context(), []string{"Bearer " + token})
		if (err == nil && claims["sub"] == "s") != want {
			t.Errorf("%v, %v; want it accepted: %t", claims, err, want)
		}
	}
}

func TestInvalidKeysAndClaimsAreErrors(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{nil, []byte("key"), der} {
		if i, err := issuer.Parse(b); err == nil {
			t.Errorf("%q is the issuer %v", b, i)
		}
	}
	if token, err := issuer.New().Sign(map[string]any{"sub": func() {}}); err == nil {
		t.Errorf("signed %s", token)
	}
}
