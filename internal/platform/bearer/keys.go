package bearer

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
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
	// ttl is how long keys are cached, which bounds how long a withdrawn key is accepted.
	ttl = 5 * time.Minute
	// again is the minimum time between the last read and one for an unknown key, so that made-up
	// ids cause few reads.
	again = time.Minute
	// retry is how soon after a failed read another one is tried.
	retry = 5 * time.Second
	// patience bounds a read. The caller's deadline does not end it, since a short one would leave
	// everybody without keys.
	patience = 3 * time.Second

	maxKeys = 16
	minBits = 2048
	maxBits = 8192
)

var (
	errKeys    = fault.New(fault.Transient, "KeysUnavailable", "bearer tokens cannot be verified now; try again")
	errUnknown = errors.New("the issuer has no such key")
)

// strict accepts only one encoding of a value.
var strict = base64.RawURLEncoding.Strict()

// Keys are the public keys of an issuer, read when first needed. They are safe for concurrent use.
type Keys struct {
	read  func(context.Context) (string, error)
	clock clock.Clock

	mu    sync.Mutex
	keys  map[string]*rsa.PublicKey
	until time.Time // the end of their use
	next  time.Time // the earliest next read
}

// NewKeys returns the keys of the JSON Web Key Set (RFC 7517) that read returns.
func NewKeys(read func(context.Context) (string, error), c clock.Clock) *Keys {
	return &Keys{read: read, clock: c}
}

// key returns the key with that id. The set is read again when it is out of date, and for an id
// that it does not have. The error is errUnknown, or a [fault.Transient] if the set cannot be read.
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

// parseKeys reads a set. Keys for other algorithms or purposes are left out. A weak or malformed
// key for our algorithm invalidates the whole set, since its source is broken.
func parseKeys(text string) (map[string]*rsa.PublicKey, error) {
	var set struct {
		Keys []struct{ Kty, Use, Alg, Kid, N, E string }
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return nil, fmt.Errorf("the key set is not JSON: %w", err)
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
		// 65537 is the exponent of practically every key.
		if err != nil || k.E != "AQAB" || bits < minBits || bits > maxBits || keys[k.Kid] != nil {
			return nil, fmt.Errorf("the key %q of the set is weak, malformed or duplicate", k.Kid)
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	return keys, nil
}
