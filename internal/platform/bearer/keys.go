package bearer

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

const (
	// ttl is how long keys are kept, which bounds how long one that the issuer has withdrawn stays good.
	ttl = 5 * time.Minute
	// again is how soon after the last reading an unknown key is looked for; whoever makes up names causes no more reads than that.
	again = time.Minute
	// retry is how soon after a failed reading another is tried.
	retry = 5 * time.Second
	// patience bounds a reading. The caller's own patience does not: one who has none could keep the keys from everybody.
	patience = 3 * time.Second

	maxKeys = 16
	minBits = 2048
	maxBits = 8192
)

var errKeys = fault.New(fault.Transient, "KeysUnavailable", "bearer tokens cannot be verified now; try again")

// Keys are the public keys of an issuer, read when first needed. They are safe for concurrent use.
type Keys struct {
	read  func(context.Context) (string, error)
	clock clock.Clock

	mu    sync.Mutex
	keys  map[string]*rsa.PublicKey
	until time.Time // when they are no longer used
	next  time.Time // when they may be read again
}

// NewKeys returns the keys that read gives, as a JSON Web Key Set (RFC 7517).
func NewKeys(read func(context.Context) (string, error), c clock.Clock) *Keys {
	return &Keys{read: read, clock: c}
}

// key returns the key with that id. The set is read again when it is out of date, and for a key that it does not have.
func (k *Keys) key(ctx context.Context, id string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	fresh := now.Before(k.until)
	if key := k.keys[id]; fresh && key != nil {
		return key, nil
	}
	switch early := now.Before(k.next); {
	case early && fresh:
		return nil, errUnknown
	case early:
		return nil, errKeys
	}
	if err := k.load(ctx, now); err != nil {
		return nil, errKeys.Because(err)
	}
	if key := k.keys[id]; key != nil {
		return key, nil
	}
	return nil, errUnknown
}

var errUnknown = errRefused.Because(errors.New("the issuer has no such key"))

func (k *Keys) load(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	text, err := k.read(ctx)
	var keys map[string]*rsa.PublicKey
	if err == nil {
		keys, err = parseKeys(text)
	}
	if err != nil {
		k.next = now.Add(retry)
		return err
	}
	k.keys, k.until, k.next = keys, now.Add(ttl), now.Add(again)
	return nil
}

// parseKeys reads a set. Keys for other algorithms or purposes are left out; one for ours that is weak or cannot be read
// spoils the set, since something is wrong with where it comes from.
func parseKeys(text string) (map[string]*rsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kty, Use, Alg, Kid, N, E string }
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return nil, fmt.Errorf("the key set is no JSON: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has more than %d keys", maxKeys)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		if k.Kty != "RSA" || k.Use != "" && k.Use != "sig" || k.Alg != "" && k.Alg != "RS256" || k.Kid == "" {
			continue
		}
		n, err := strict.DecodeString(k.N)
		bits := new(big.Int).SetBytes(n).BitLen()
		// 65537, the exponent of practically every key, and the only one that is worth a thought.
		if err != nil || k.E != "AQAB" || bits < minBits || bits > maxBits || keys[k.Kid] != nil {
			return nil, fmt.Errorf("the key %q of the set is weak, malformed or there twice", k.Kid)
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	return keys, nil
}
