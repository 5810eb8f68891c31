package webhook

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

var (
	now    = time.Unix(1_795_424_403, 0)
	secret = []byte("secret")
	body   = []byte(`{"id":"cb_01"}`)
)

func TestSignatureIsTheOneThatWasAgreed(t *testing.T) {
	// From: printf '1795424403.{"id":"cb_01"}' | openssl dgst -sha256 -hmac secret
	const want = "v1=e76af94f07937574b4c16d13149491d9be6884dc1b82cbb026cd3f80c2d01600"
	if got := Sign(secret, "1795424403", body); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

func TestOnlyARecentSignatureOfTheSameBytesIsTaken(t *testing.T) {
	at := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	ts := at(0)
	good := Sign(secret, ts, body)
	for name, c := range map[string]struct {
		secret         []byte
		timestamp, sig string
		body           []byte
		want           error
	}{
		"good":                 {secret, ts, good, body, nil},
		"oldest":               {secret, at(-Tolerance), Sign(secret, at(-Tolerance), body), body, nil},
		"newest":               {secret, at(Tolerance), Sign(secret, at(Tolerance), body), body, nil},
		"too old":              {secret, at(-Tolerance - time.Second), Sign(secret, at(-Tolerance-time.Second), body), body, ErrSignature},
		"too new":              {secret, at(Tolerance + time.Second), Sign(secret, at(Tolerance+time.Second), body), body, ErrSignature},
		"timestamp no number":  {secret, "soon", Sign(secret, "soon", body), body, ErrSignature},
		"timestamp changed":    {secret, at(time.Second), good, body, ErrSignature},
		"body changed":         {secret, ts, good, []byte(`{"id":"cb_02"}`), ErrSignature},
		"white space added":    {secret, ts, good, append(body[:len(body):len(body)], '\n'), ErrSignature},
		"another secret":       {[]byte("guess"), ts, good, body, ErrSignature},
		"no signature":         {secret, ts, "", body, ErrSignature},
		"no version":           {secret, ts, good[3:], body, ErrSignature},
		"another version":      {secret, ts, "v2" + good[2:], body, ErrSignature},
		"cut":                  {secret, ts, good[:20], body, ErrSignature},
		"nothing to sign with": {nil, ts, Sign(nil, ts, body), body, ErrNoSecret},
	} {
		if err := Verify(c.secret, c.timestamp, c.sig, c.body, now); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("1795424403", Sign(secret, "1795424403", body), body)
	f.Add("", "", []byte(nil))
	f.Add("99999999999999999999", "v1=", []byte("."))
	f.Fuzz(func(t *testing.T, timestamp, signature string, body []byte) {
		if err := Verify(secret, timestamp, signature, body, now); err == nil {
			seconds, numeric := strconv.ParseInt(timestamp, 10, 64)
			off := time.Unix(seconds, 0).Sub(now).Abs()
			if signature != Sign(secret, timestamp, body) || numeric != nil || off > Tolerance {
				t.Errorf("took %q %q %q", timestamp, signature, body)
			}
		}
		// What is signed must be taken under its own bytes and no others.
		if err := Verify(secret, "1795424403", Sign(secret, "1795424403", body), body, now); err != nil {
			t.Errorf("refused its own signature: %v", err)
		}
		if err := Verify(secret, "1795424403", Sign(secret, "1795424403", body), append(body[:len(body):len(body)], 'x'), now); err == nil {
			t.Error("took a longer body under the same signature")
		}
	})
}
