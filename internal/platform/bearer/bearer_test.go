package bearer_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/bearer"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

const issuer, client = "https://issuer.example/pool-1", "client-1"

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

type object map[string]any

// newKey returns a key of 2048 bits; making one takes a tenth of a second, so the tests share two.
var newKey = func() func(int) *rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	var once [2]sync.Once
	return func(i int) *rsa.PrivateKey {
		once[i].Do(func() { keys[i], _ = rsa.GenerateKey(rand.Reader, 2048) })
		return keys[i]
	}
}()

func part(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// compact makes a token of its parts as they are.
func compact(head, claims string, sign func([]byte) []byte) string {
	return head + "." + claims + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(head+"."+claims)))
}

func rs256(key *rsa.PrivateKey) func([]byte) []byte {
	return func(b []byte) []byte {
		sum := sha256.Sum256(b)
		s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return s
	}
}

func rs512(key *rsa.PrivateKey) func([]byte) []byte {
	return func(b []byte) []byte {
		sum := sha512.Sum512(b)
		s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA512, sum[:])
		if err != nil {
			panic(err)
		}
		return s
	}
}

func head(change ...object) object { return with(object{"alg": "RS256", "kid": "key-0"}, change...) }

func claims(change ...object) object {
	return with(object{"iss": issuer, "aud": client, "token_use": "id", "sub": "customer-1", "email": "a@example.com",
		"cognito:groups": []string{"operator"}, "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}, change...)
}

// with changes o; a nil takes the name out.
func with(o object, change ...object) object {
	for _, c := range change {
		maps.Copy(o, c)
	}
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

func good(change ...object) string {
	return compact(part(head()), part(claims(change...)), rs256(newKey(0)))
}

func jwk(id string, key *rsa.PublicKey, change ...object) object {
	return with(object{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "e": "AQAB",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes())}, change...)
}

func set(keys ...object) string {
	b, _ := json.Marshal(object{"keys": keys})
	return string(b)
}

// store is where the key set is.
type store struct {
	text  string
	err   error
	reads int
	saw   context.Context
}

func (s *store) read(ctx context.Context) (string, error) {
	s.reads++
	s.saw = ctx
	return s.text, errors.Join(s.err, ctx.Err())
}

func verifier() (*bearer.Verifier, *store, *clock.Manual) {
	c, s := clock.At(start), &store{text: set(jwk("key-0", &newKey(0).PublicKey))}
	return bearer.New(issuer, client, bearer.NewKeys(s.read, c), c), s, c
}

func bear(token string) []string { return []string{"Bearer " + token} }

func TestValidTokenGivesItsClaims(t *testing.T) {
	v, _, c := verifier()
	for name, token := range map[string]string{
		"as Cognito's":      good(),
		"audience of a few": good(object{"aud": []string{"other", client}}),
		"within the skew": good(object{
			"iat": start.Add(5 * time.Second).Unix(), "nbf": start.Add(5 * time.Second).Unix(),
		}),
		"with a type": compact(part(head(object{"typ": "JWT"})), part(claims()), rs256(newKey(0))),
	} {
		got, err := v.Verify(t.Context(), bear(token))
		if err != nil || got["sub"] != "customer-1" || got["email"] != "a@example.com" ||
			fmt.Sprint(got["cognito:groups"]) != "[operator]" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := v.Verify(t.Context(), []string{"bearer " + good()}); err != nil {
		t.Errorf("schemes know no case: %v", err)
	}
	c.Advance(time.Hour - time.Second)
	if _, err := v.Verify(t.Context(), bear(good())); err != nil {
		t.Errorf("in its last second: %v", err)
	}
}

func TestInvalidTokenIsRefused(t *testing.T) {
	v, s, _ := verifier()
	s.text = set(jwk("key-0", &newKey(0).PublicKey), jwk("key-1", &newKey(1).PublicKey))
	public, err := x509.MarshalPKIXPublicKey(&newKey(0).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	own, byOwn := jwk("key-0", &newKey(1).PublicKey), rs256(newKey(1))
	hs256 := func(secret []byte) func([]byte) []byte {
		return func(b []byte) []byte {
			m := hmac.New(sha256.New, secret)
			m.Write(b)
			return m.Sum(nil)
		}
	}
	nothing := func([]byte) []byte { return nil }
	headed := func(change object) string {
		return compact(part(head(change)), part(claims()), rs256(newKey(0)))
	}
	token := good()
	parts := strings.Split(token, ".")
	last := "AQgw"[strings.IndexByte("AQgw", token[len(token)-1]):]
	for name, token := range map[string]string{
		"none":                  compact(part(head(object{"alg": "none"})), part(claims()), nothing),
		"none in capitals":      compact(part(head(object{"alg": "NONE"})), part(claims()), nothing),
		"RS256 without one":     compact(part(head()), part(claims()), nothing),
		"no algorithm":          headed(object{"alg": nil}),
		"a list of algorithms":  headed(object{"alg": []string{"RS256"}}),
		"RS512":                 headed(object{"alg": "RS512"}),
		"RS512, signed so":      compact(part(head(object{"alg": "RS512"})), part(claims()), rs512(newKey(0))),
		"rs256":                 headed(object{"alg": "rs256"}),
		"HS256, public key DER": compact(part(head(object{"alg": "HS256"})), part(claims()), hs256(public)),
		"HS256, public key PEM": compact(part(head(object{"alg": "HS256"})), part(claims()), hs256(asPEM)),
		"HS256, modulus": compact(part(head(object{"alg": "HS256"})), part(claims()),
			hs256(newKey(0).N.Bytes())),
		"HMAC under RS256":       compact(part(head()), part(claims()), hs256(public)),
		"critical extension":     headed(object{"crit": []string{"b64"}, "b64": false}),
		"key of its own":         compact(part(head(object{"kid": nil, "jwk": own})), part(claims()), byOwn),
		"key of its own, named":  compact(part(head(object{"jwk": own, "jku": "https://evil.test"})), part(claims()), byOwn),
		"no key":                 headed(object{"kid": nil}),
		"empty key":              headed(object{"kid": ""}),
		"key a number":           headed(object{"kid": 0}),
		"unknown key":            headed(object{"kid": "key-2"}),
		"another key of the set": headed(object{"kid": "key-1"}),
		"another key":            compact(part(head()), part(claims()), rs256(newKey(1))),
		"other claims":           parts[0] + "." + part(claims(object{"sub": "customer-2"})) + "." + parts[2],
		"other header":           part(head(object{"typ": "JWT"})) + "." + parts[1] + "." + parts[2],
		"bits after the last":    token[:len(token)-1] + string(last[0]+1),
		"padded":                 token + "==",
		"standard base64": parts[0] + "." + parts[1] + "." +
			base64.StdEncoding.EncodeToString(make([]byte, 256)),
		"line break in it":      token[:20] + "\n" + token[20:],
		"line break at its end": token + "\n",
		"cut":                   token[:len(token)-1],
		"doubled":               token + "." + parts[2],
		"two parts":             parts[0] + "." + parts[1],
		"five parts":            token + "..",
		"empty":                 "", "dots": "..", "garbage": "garbage", "blank": " " + token,
		"header no object": compact(part([]string{"RS256"}), part(claims()), rs256(newKey(0))),
		"header null":      compact(part(nil), part(claims()), rs256(newKey(0))),
		"claims no object": compact(part(head()), part("sub"), rs256(newKey(0))),
		"claims null":      compact(part(head()), part(nil), rs256(newKey(0))),
		"claims no JSON": compact(part(head()), base64.RawURLEncoding.EncodeToString([]byte("{")),
			rs256(newKey(0))),
		"claims no base64":     compact(part(head()), "{}", rs256(newKey(0))),
		"another issuer":       good(object{"iss": issuer + "/"}),
		"no issuer":            good(object{"iss": nil}),
		"issuers":              good(object{"iss": []string{issuer}}),
		"another client":       good(object{"aud": "client-2"}),
		"other clients":        good(object{"aud": []any{"client-2", 7, nil, []string{client}}}),
		"no client":            good(object{"aud": nil}),
		"client by another":    good(object{"aud": nil, "client_id": client}),
		"access token":         good(object{"token_use": "access"}),
		"no use":               good(object{"token_use": nil}),
		"expired":              good(object{"exp": start.Unix()}),
		"expired long ago":     good(object{"exp": 1}),
		"never expires":        good(object{"exp": nil}),
		"expires as a text":    good(object{"exp": "9999999999"}),
		"not yet":              good(object{"nbf": start.Add(6 * time.Second).Unix()}),
		"not yet, as a text":   good(object{"nbf": "0"}),
		"issued in the future": good(object{"iat": start.Add(6 * time.Second).Unix()}),
		"huge":                 good(object{"more": strings.Repeat("x", 8<<10)}),
	} {
		refused(t, name, v, bear(token))
	}
	for name, header := range map[string][]string{
		"no header": nil, "two headers": {"Bearer " + token, "Bearer " + token}, "empty header": {""},
		"the scheme only": {"Bearer"}, "no scheme": {token}, "Basic": {"Basic " + token},
		"a list": {"Bearer " + token + ", Bearer " + token}, "tab": {"Bearer\t" + token},
		"16 MB": {"Bearer " + strings.Repeat("a.", 8<<20)},
	} {
		refused(t, name, v, header)
	}
	if _, err := v.Verify(t.Context(), bear(token)); err != nil {
		t.Errorf("the token that these were made of: %v", err)
	}
}

func refused(t *testing.T, name string, v *bearer.Verifier, header []string) {
	t.Helper()
	got, err := v.Verify(t.Context(), header)
	if fault.KindOf(err) != fault.Unauthenticated || got != nil {
		t.Errorf("%s: %v, %v", name, got, err)
	}
}

func TestNothingConfiguredRefusesEverything(t *testing.T) {
	c, s := clock.At(start), &store{text: set(jwk("key-0", &newKey(0).PublicKey))}
	for _, of := range [][2]string{{"", client}, {issuer, ""}, {"", ""}} {
		v := bearer.New(of[0], of[1], bearer.NewKeys(s.read, c), c)
		for _, change := range []object{
			nil, {"iss": nil}, {"aud": nil}, {"iss": ""}, {"aud": ""}, {"iss": "", "aud": ""},
		} {
			refused(t, fmt.Sprint(of, change), v, bear(good(change)))
		}
	}
}

func TestMalformedTokenIsRefusedWithoutReadingTheKeys(t *testing.T) {
	v, s, _ := verifier()
	for _, change := range []object{{"kid": nil}, {"kid": ""}, {"alg": "none"}} {
		refused(t, fmt.Sprint(change), v, bear(compact(part(head(change)), part(claims()), rs256(newKey(0)))))
	}
	if s.reads != 0 {
		t.Errorf("%d reads", s.reads)
	}
}

func TestTokenExpiresWithTheClock(t *testing.T) {
	v, _, c := verifier()
	if _, err := v.Verify(t.Context(), bear(good())); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Hour)
	refused(t, "an hour later", v, bear(good()))
}

func TestUnknownKeyReadsTheSetOnceAMinute(t *testing.T) {
	v, s, c := verifier()
	renewed := compact(part(head(object{"kid": "key-1"})), part(claims()), rs256(newKey(1)))
	if _, err := v.Verify(t.Context(), bear(good())); err != nil || s.reads != 1 {
		t.Fatalf("%v, %d reads", err, s.reads)
	}
	s.text = set(jwk("key-0", &newKey(0).PublicKey), jwk("key-1", &newKey(1).PublicKey))
	for i := range 100 {
		unknown := compact(part(head(object{"kid": fmt.Sprint(i)})), part(claims()), rs256(newKey(1)))
		refused(t, "unknown", v, bear(unknown))
	}
	c.Advance(time.Minute - time.Nanosecond)
	refused(t, "within the minute", v, bear(renewed))
	if s.reads != 1 {
		t.Errorf("%d reads for made-up keys", s.reads)
	}
	c.Advance(time.Nanosecond)
	if _, err := v.Verify(t.Context(), bear(renewed)); err != nil || s.reads != 2 {
		t.Errorf("a minute later: %v, %d reads", err, s.reads)
	}
}

func TestWithdrawnKeyIsValidForFiveMinutesAtMost(t *testing.T) {
	v, s, c := verifier()
	if _, err := v.Verify(t.Context(), bear(good())); err != nil {
		t.Fatal(err)
	}
	s.text = set(jwk("key-1", &newKey(1).PublicKey))
	c.Advance(5*time.Minute - time.Nanosecond)
	if _, err := v.Verify(t.Context(), bear(good())); err != nil || s.reads != 1 {
		t.Errorf("within five minutes: %v, %d reads", err, s.reads)
	}
	c.Advance(time.Nanosecond)
	refused(t, "withdrawn", v, bear(good()))
}

func TestFailedFetchOfKeysIs503AndRetriedEveryFiveSeconds(t *testing.T) {
	v, s, c := verifier()
	s.err = errors.New("no such parameter")
	for range 3 {
		unavailable(t, v)
	}
	c.Advance(5 * time.Second)
	unavailable(t, v)
	if s.reads != 2 {
		t.Errorf("%d reads", s.reads)
	}
	s.err = nil
	c.Advance(5 * time.Second)
	if _, err := v.Verify(t.Context(), bear(good())); err != nil {
		t.Error(err)
	}
	// Known keys stay good until their time is over, though reading for an unknown one fails.
	c.Advance(time.Minute)
	s.err = errors.New("throttled")
	unknown := compact(part(head(object{"kid": "x"})), part(claims()), rs256(newKey(1)))
	if _, err := v.Verify(t.Context(), bear(unknown)); fault.KindOf(err) != fault.Transient {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := v.Verify(t.Context(), bear(good())); err != nil {
		t.Error(err)
	}
	c.Advance(4 * time.Minute)
	unavailable(t, v)
}

func unavailable(t *testing.T, v *bearer.Verifier) {
	t.Helper()
	got, err := v.Verify(t.Context(), bear(good()))
	if err == nil || fault.KindOf(err) != fault.Transient || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCancelledCallerDoesNotKeepTheKeysFromOthers(t *testing.T) {
	v, s, _ := verifier()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, bear(good())); err != nil || s.reads != 1 {
		t.Errorf("%v, %d reads", err, s.reads)
	}
	if _, bounded := s.saw.Deadline(); !bounded {
		t.Error("a reading has no end")
	}
}

func TestMalformedKeySetIsNotUsed(t *testing.T) {
	key := &newKey(0).PublicKey
	var many []object
	for i := range 17 {
		many = append(many, jwk(fmt.Sprint("key-", i), key))
	}
	number := func(bits uint) string {
		n := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1))
		return base64.RawURLEncoding.EncodeToString(n.Bytes())
	}
	padded := base64.RawURLEncoding.EncodeToString(append(make([]byte, 128), 1))
	for name, text := range map[string]string{
		"no JSON": "keys", "empty": "", "17 keys": set(many...),
		"twice":                  set(jwk("key-0", key), jwk("key-0", &newKey(1).PublicKey)),
		"1024 bits":              set(jwk("key-0", key, object{"n": number(1024)})),
		"16384 bits":             set(jwk("key-0", key, object{"n": number(16384)})),
		"zeros before 1024 bits": set(jwk("key-0", key, object{"n": padded})),
		"exponent 3":             set(jwk("key-0", key, object{"e": "Aw"})),
		"exponent 1":             set(jwk("key-0", key, object{"e": "AQ"})),
		"no modulus":             set(jwk("key-0", key, object{"n": nil})),
		"modulus padded":         set(jwk("key-0", key, object{"n": "AQ=="})),
	} {
		v, s, _ := verifier()
		s.text = text
		if got, err := v.Verify(t.Context(), bear(good())); err == nil || fault.KindOf(err) != fault.Transient {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"no keys": `{}`, "another kind": set(jwk("key-0", key, object{"kty": "EC"})),
		"to encrypt":        set(jwk("key-0", key, object{"use": "enc"})),
		"another algorithm": set(jwk("key-0", key, object{"alg": "RS512"})),
		"a secret":          set(object{"kty": "oct", "kid": "key-0", "k": "AAAA"}),
		"no name":           set(jwk("", key)),
	} {
		v, s, _ := verifier()
		s.text = text
		refused(t, name, v, bear(good()))
	}
	v, s, _ := verifier()
	s.text = set(object{"kty": "oct", "kid": "key-0", "k": "AAAA"}, jwk("key-0", key, object{"use": nil, "alg": nil}))
	if _, err := v.Verify(t.Context(), bear(good())); err != nil {
		t.Errorf("a key beside others: %v", err)
	}
}

// FuzzVerify: whatever bytes come, only the tokens that the issuer signed are accepted.
func FuzzVerify(f *testing.F) {
	token := good()
	parts := strings.Split(token, ".")
	for _, seed := range []string{
		"Bearer " + token, "Bearer ", "", "Bearer " + parts[0] + "..", "bearer\t" + token, "Bearer " + token + "=",
		"Bearer " + part(head(object{"alg": "none"})) + "." + parts[1] + ".",
		"Bearer " + parts[0] + "." + part(claims(object{"sub": "x"})) + "." + parts[2],
	} {
		f.Add(seed)
	}
	v, _, _ := verifier()
	f.Fuzz(func(t *testing.T, header string) {
		got, err := v.Verify(t.Context(), []string{header})
		scheme, rest, _ := strings.Cut(header, " ")
		if issued := rest == token && strings.EqualFold(scheme, "Bearer"); (err == nil) != issued {
			t.Fatalf("%q: %v, %v; issued: %t", header, got, err, issued)
		}
		if err != nil && (got != nil || fault.KindOf(err) != fault.Unauthenticated) {
			t.Errorf("%q: %v, %v", header, got, err)
		}
	})
}
