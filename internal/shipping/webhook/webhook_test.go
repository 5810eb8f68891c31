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
	v := signature.Verifier{Scheme: Signatures, Secret: key, Clock: clock.At(now)}
	return v.Verify(context.Background(), h, body)
}

func TestSignatureMatchesOpenSSL(t *testing.T) {
	// From: printf '1795424403.{"id":"cb_01"}' | openssl dgst -sha256 -hmac secret
	const want = "v1=e76af94f07937574b4c16d13149491d9be6884dc1b82cbb026cd3f80c2d01600"
	if got := sign(secret, "1795424403", body); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

func TestOnlyARecentSignatureOfTheSameBytesVerifies(t *testing.T) {
	at := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	signed := func(secret []byte, timestamp string) string { return sign(secret, timestamp, body) }
	ts, oldest, newest := at(0), at(-signature.Tolerance), at(signature.Tolerance)
	tooOld, tooNew := at(-signature.Tolerance-time.Second), at(signature.Tolerance+time.Second)
	good := signed(secret, ts)
	for name, c := range map[string]struct {
		secret         []byte
		timestamp, sig string
		body           []byte
		want           error
	}{
		"good":                   {secret, ts, good, body, nil},
		"oldest":                 {secret, oldest, signed(secret, oldest), body, nil},
		"newest":                 {secret, newest, signed(secret, newest), body, nil},
		"too old":                {secret, tooOld, signed(secret, tooOld), body, signature.ErrInvalid},
		"too new":                {secret, tooNew, signed(secret, tooNew), body, signature.ErrInvalid},
		"timestamp not a number": {secret, "soon", signed(secret, "soon"), body, signature.ErrInvalid},
		"timestamp changed":      {secret, at(time.Second), good, body, signature.ErrInvalid},
		"body changed":           {secret, ts, good, []byte(`{"id":"cb_02"}`), signature.ErrInvalid},
		"white space added":      {secret, ts, good, append(body[:len(body):len(body)], '\n'), signature.ErrInvalid},
		"another secret":         {[]byte("guess"), ts, good, body, signature.ErrInvalid},
		"no signature":           {secret, ts, "", body, signature.ErrInvalid},
		"no version":             {secret, ts, good[3:], body, signature.ErrInvalid},
		"another version":        {secret, ts, "v2" + good[2:], body, signature.ErrInvalid},
		"truncated":              {secret, ts, good[:20], body, signature.ErrInvalid},
		"no secret":              {nil, ts, signed(nil, ts), body, signature.ErrNoSecret},
	} {
		err := verify(c.secret, c.timestamp, c.sig, c.body, now)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
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
				t.Errorf("accepted %q %q %q", timestamp, sig, body)
			}
		}
		// A signature must verify its own bytes and no others.
		good, longer := sign(secret, "1795424403", body), append(body[:len(body):len(body)], 'x')
		if err := verify(secret, "1795424403", good, body, now); err != nil {
			t.Errorf("rejected its own signature: %v", err)
		}
		if err := verify(secret, "1795424403", good, longer, now); err == nil {
			t.Error("accepted a longer body with the same signature")
		}
	})
}
