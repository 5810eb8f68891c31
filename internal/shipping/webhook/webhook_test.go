package webhook

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/signature"
)

var (
	now    = time.Unix(1_795_424_403, 0)
	secret = []byte("secret")
	body   = []byte(`{"id":"cb_01"}`)
)

func sign(secret []byte, timestamp string, body []byte) string {
	return "v1=" + signature.Sign(secret, timestamp, body)
}

func verify(secret []byte, timestamp, sig string, body []byte, now time.Time) error {
	key := func(context.Context) ([]byte, error) { return secret, nil }
	h := http.Header{HeaderTimestamp: {timestamp}, HeaderSignature: {sig}}
	return signature.Verifier{Scheme: Signatures, Secret: key, Clock: clock.At(now)}.Verify(context.Background(), h, body)
}

func TestSignatureIsTheOneThatWasAgreed(t *testing.T) {
	// From: printf '1795424403.{"id":"cb_01"}' | openssl dgst -sha256 -hmac secret
	const want = "v1=e76af94f07937574b4c16d13149491d9be6884dc1b82cbb026cd3f80c2d01600"
	if got := sign(secret, "1795424403", body); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

func TestOnlyARecentSignatureOfTheSameBytesIsTaken(t *testing.T) {
	at := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	ts := at(0)
	good := sign(secret, ts, body)
	for name, c := range map[string]struct {
		secret         []byte
		timestamp, sig string
		body           []byte
		want           error
	}{
		"good":                 {secret, ts, good, body, nil},
		"oldest":               {secret, at(-signature.Tolerance), sign(secret, at(-signature.Tolerance), body), body, nil},
		"newest":               {secret, at(signature.Tolerance), sign(secret, at(signature.Tolerance), body), body, nil},
		"too old":              {secret, at(-signature.Tolerance - time.Second), sign(secret, at(-signature.Tolerance-time.Second), body), body, signature.ErrInvalid},
		"too new":              {secret, at(signature.Tolerance + time.Second), sign(secret, at(signature.Tolerance+time.Second), body), body, signature.ErrInvalid},
		"timestamp no number":  {secret, "soon", sign(secret, "soon", body), body, signature.ErrInvalid},
		"timestamp changed":    {secret, at(time.Second), good, body, signature.ErrInvalid},
		"body changed":         {secret, ts, good, []byte(`{"id":"cb_02"}`), signature.ErrInvalid},
		"white space added":    {secret, ts, good, append(body[:len(body):len(body)], '\n'), signature.ErrInvalid},
		"another secret":       {[]byte("guess"), ts, good, body, signature.ErrInvalid},
		"no signature":         {secret, ts, "", body, signature.ErrInvalid},
		"no version":           {secret, ts, good[3:], body, signature.ErrInvalid},
		"another version":      {secret, ts, "v2" + good[2:], body, signature.ErrInvalid},
		"cut":                  {secret, ts, good[:20], body, signature.ErrInvalid},
		"nothing to sign with": {nil, ts, sign(nil, ts, body), body, signature.ErrNoSecret},
	} {
		if err := verify(c.secret, c.timestamp, c.sig, c.body, now); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("1795424403", sign(secret, "1795424403", body), body)
	f.Add("", "", []byte(nil))
	f.Add("99999999999999999999", "v1=", []byte("."))
	f.Fuzz(func(t *testing.T, timestamp, sig string, body []byte) {
		if err := verify(secret, timestamp, sig, body, now); err == nil {
			seconds, numeric := strconv.ParseInt(timestamp, 10, 64)
			off := time.Unix(seconds, 0).Sub(now).Abs()
			if sig != sign(secret, timestamp, body) || numeric != nil || off > signature.Tolerance {
				t.Errorf("took %q %q %q", timestamp, sig, body)
			}
		}
		// What is signed must be taken under its own bytes and no others.
		if err := verify(secret, "1795424403", sign(secret, "1795424403", body), body, now); err != nil {
			t.Errorf("refused its own signature: %v", err)
		}
		if err := verify(secret, "1795424403", sign(secret, "1795424403", body), append(body[:len(body):len(body)], 'x'), now); err == nil {
			t.Error("took a longer body under the same signature")
		}
	})
}
