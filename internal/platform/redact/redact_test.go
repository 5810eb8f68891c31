package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"orderflow/internal/platform/redact"
)

// jwt has the form of a token, but no valid signature.
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjdXN0b21lciJ9.c2lnbmF0dXJl"

func TestSensitiveNamesAreMasked(t *testing.T) {
	for _, name := range []string{
		"email", "customerEmail", "E-Mail", "name", "fullName", "line1", "addressLine", "shippingAddress",
		"postalCode", "postal_code", "city", "paymentMethod", "card", "cardNumber", "token", "resumeToken",
		"id_token", "Authorization", "clientSecret", "X-Carrier-Signature", "phone", "password",
		"Set-Cookie", "api_key", "Idempotency-Key", "!BADKEY",
	} {
		if !redact.Key(name) {
			t.Errorf("%s is not masked", name)
		}
	}
	for _, name := range []string{
		"orderId", "sagaId", "traceId", "requestId", "step", "attempt", "status", "reason", "eventType",
		"function", "error", "sku", "customerId", "chargeId",
		"msg", "level", "time", "dependency", "service", "kind", "country", "messageId", "subject",
	} {
		if redact.Key(name) {
			t.Errorf("%s is masked", name)
		}
	}
}

func TestTextMasksSecretsAndKeepsTheRest(t *testing.T) {
	texts := map[string]string{
		"mail to ada@example.com failed":                "mail to [redacted] failed",
		`<ada+tea@mail.example.co.uk>, "bob@localhost"`: `<[redacted]>, "[redacted]"`,
		"jürgen@bücher.example":                         "[redacted]",
		"card 4111 1111 1111 1111 declined":             "card [redacted] declined",
		"4111-1111-1111-1111,5555555555554444":          "[redacted],[redacted]",
		"amex 378282246310005.":                         "amex [redacted].",
		"card4111111111111111":                          "card[redacted]",
		"Authorization: Bearer abc.def-ghi":             "Authorization: [redacted] [redacted]",
		"sent bearer " + jwt + ", refused":              "sent bearer [redacted], refused",
		"got " + jwt:                                    "got [redacted]",
		"no such pm_card_visa or sk_test_4eC39HqLyjW":   "no such [redacted] or [redacted]",
		`password="correct horse" and token=abc&x=1`:    "password=[redacted] and token=[redacted]&x=1",
		`{"customer":{"email":"x"},"list":["a@b.example"]}`: `{"customer":{"email":"[redacted]"},` +
			`"list":["[redacted]"]}`,
	}
	for _, unchanged := range []string{
		"01KAQ5M3Z8V7D2X4C6B9N1T0RW is PENDING",
		"trace 4111111111111111f448eb211c80319c",
		"00-41111111111111110448eb211c80319c-b7ad6b7169203331-01",
		"41111111-1111-1111-8a3b-9f0d1c2b3a4f",
		"4111111111111112 fails Luhn, 1795424400000 is a time, 42 of 41111",
		"DependencyUnavailable: payment-provider answered 503",
		"invalid character '<' looking for beginning of value",
		"",
	} {
		texts[unchanged] = unchanged
	}
	for text, want := range texts {
		if got := redact.Text(text); got != want {
			t.Errorf("%q\n gives %q\n want  %q", text, got, want)
		}
		if again := redact.Text(redact.Text(text)); again != redact.Text(text) {
			t.Errorf("%q is redacted to %q, then to %q", text, redact.Text(text), again)
		}
	}
}

// logged returns the output of a logger with redaction.
func logged(write func(*slog.Logger)) string {
	var out bytes.Buffer
	write(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: redact.Attr})))
	return out.String()
}

type address struct {
	Line1   string `json:"line1"`
	Country string `json:"country"`
}

type order struct {
	OrderID string   `json:"orderId"`
	Address *address `json:"shipTo"`
	Notes   []any    `json:"notes"`
}

type late struct{ secret string }

func (l late) LogValue() slog.Value { return slog.GroupValue(slog.String("email", l.secret)) }

// ways are the ways in which a value gets into a log line under a sensitive name.
var ways = map[string]func(*slog.Logger, string){
	"attribute": func(l *slog.Logger, s string) { l.Info("m", "paymentMethod", s) },
	"bytes":     func(l *slog.Logger, s string) { l.Info("m", "blob", []byte(s)) },
	"group":     func(l *slog.Logger, s string) { l.Info("m", slog.Group("shippingAddress", "first", s)) },
	"nested group": func(l *slog.Logger, s string) {
		l.WithGroup("customer").Info("m", slog.Group("a", "phone", s))
	},
	"logger's attribute": func(l *slog.Logger, s string) { l.With("token", s).Info("m") },
	"struct":             func(l *slog.Logger, s string) { l.Info("m", "order", order{Address: &address{Line1: s}}) },
	"map in a list": func(l *slog.Logger, s string) {
		l.Info("m", "order", order{Notes: []any{map[string]any{"email": s}}})
	},
	"raw JSON": func(l *slog.Logger, s string) {
		b, _ := json.Marshal(map[string]string{"name": s})
		l.Info("m", "in", json.RawMessage(b))
	},
	"JSON in a string": func(l *slog.Logger, s string) {
		b, _ := json.Marshal(map[string]string{"name": s})
		l.Info("m", "in", string(b))
	},
	"JSON in JSON": func(l *slog.Logger, s string) {
		b, _ := json.Marshal(map[string]string{"card": s})
		l.Info("m", "in", map[string]string{"x": string(b)})
	},
	"LogValuer": func(l *slog.Logger, s string) { l.Info("m", "who", late{s}) },
	"unencodable value": func(l *slog.Logger, s string) {
		l.Info("m", "in", map[string]any{"x": s, "f": func() {}})
	},
	"value without a name": func(l *slog.Logger, s string) { args := []any{s}; l.Info("m", args...) },
}

// recognised are the ways in which a value gets into a log line without a sensitive name.
var recognised = map[string]func(*slog.Logger, string){
	"message":   func(l *slog.Logger, s string) { l.Info(s) },
	"attribute": func(l *slog.Logger, s string) { l.Info("m", "detail", s) },
	"name":      func(l *slog.Logger, s string) { l.Info("m", slog.String(s, "x")) },
	"error": func(l *slog.Logger, s string) {
		l.Info("m", "error", fmt.Errorf("calling: %w", errors.New(s)))
	},
	"error's text":   func(l *slog.Logger, s string) { l.Info("m", "error", s) },
	"struct":         func(l *slog.Logger, s string) { l.Info("m", "order", &order{OrderID: s}) },
	"map's name":     func(l *slog.Logger, s string) { l.Info("m", "in", map[string]any{s: 1}) },
	"list":           func(l *slog.Logger, s string) { l.Info("m", "in", []string{"a", s}) },
	"group's member": func(l *slog.Logger, s string) { l.Info("m", slog.Group("g", "x", s)) },
	"JSON": func(l *slog.Logger, s string) {
		b, _ := json.Marshal([]string{s})
		l.Info("m", "in", string(b))
	},
	"level's name": func(l *slog.Logger, s string) { l.Info("m", "level", s, "time", s) },
}

func TestPlantedSecretIsMasked(t *testing.T) {
	for name, write := range ways {
		out := logged(func(l *slog.Logger) { write(l, "Plain Words") })
		if strings.Contains(out, "Plain") || !strings.Contains(out, redact.Mask) {
			t.Errorf("by its name, %s: %s", name, out)
		}
	}
	secrets := []string{
		"ada@example.com", "4111111111111111", "4111 1111 1111 1111", jwt, "pm_card_visa", "whsec_abcdef",
	}
	for name, write := range recognised {
		for _, secret := range secrets {
			if out := logged(func(l *slog.Logger) { write(l, "so: "+secret+".") }); strings.Contains(out, secret) {
				t.Errorf("by its form, %s: %s", name, out)
			}
		}
	}
	for _, number := range []any{
		4111111111111111, uint64(4111111111111111), 4111111111111111.0, map[string]int{"x": 4111111111111111},
	} {
		out := logged(func(l *slog.Logger) { l.Info("m", "n", number) })
		// The time has digits of its own.
		if _, planted, _ := strings.Cut(out, `"msg"`); strings.Contains(planted, "111") {
			t.Errorf("number %T: %s", number, out)
		}
	}
}

func TestOtherValuesAreLoggedUnchanged(t *testing.T) {
	out := logged(func(l *slog.Logger) {
		l.Warn("m", "n", 7, "f", 0.5, "ok", true, "nothing", nil,
			"order", order{OrderID: "o-1", Address: &address{Country: "DE"}},
			"raw", json.RawMessage(`{"big":12345678901234567890}`))
	})
	for _, want := range []string{
		`"level":"WARN"`, `"time":"`, `"n":7`, `"f":0.5`, `"ok":true`, `"nothing":null`,
		`"orderId":"o-1"`, `"country":"DE"`, `{"big":12345678901234567890}`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing in %s", want, out)
		}
	}
}

// FuzzPlantedSecretIsMasked: a secret is masked in any surrounding text.
func FuzzPlantedSecretIsMasked(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {"to ", " failed"}, {`{"a":"`, `"}`}, {"4 4", "1"}, {"\x00é", "\xff"}, {"token", "="}, {"@", "@"},
		{`\`, `"`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, secret := range []string{
			"ada@example.com", "4111111111111111", "Bearer q1w2e3r4t5z6", jwt, "pm_card_visa",
		} {
			text := before + " " + secret + " " + after
			for name, write := range recognised {
				out := logged(func(l *slog.Logger) { write(l, text) })
				if strings.Contains(out, secret) {
					t.Fatalf("%s of %q: %s", name, text, out)
				}
				if !json.Valid([]byte(out)) {
					t.Fatalf("%s of %q is not JSON: %s", name, text, out)
				}
			}
		}
		for name, write := range ways {
			secret := "Plain Words"
			if out := logged(func(l *slog.Logger) { write(l, before+secret+after) }); strings.Contains(out, secret) {
				t.Fatalf("%s of %q: %s", name, before+secret+after, out)
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	log := slog.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: redact.Attr}))
	for b.Loop() {
		log.Info("invocation failed", "requestId", "41111111-1111-1111-8a3b-9f0d1c2b3a4f",
			"orderId", "01KAQ5M3Z8V7D2X4C6B9N1T0RW", "error", "DependencyUnavailable: payment-provider answered 503")
	}
}
