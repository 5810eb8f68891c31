// Package redact keeps personal and payment data and secrets out of logs. It looks at two things: what a value is called, and
// what it looks like. It is a net below the rule that such data are not logged in the first place, not a licence to do so.
package redact

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
)

// Mask stands in place of what was taken out.
const Mask = "[redacted]"

// names are parts of names whose values are never shown; only are names that are so as a whole.
var (
	names = []string{
		"email", "mail", "phone", "fullname", "firstname", "lastname", "customername", "recipient", "birth", "street", "address", "postalcode",
		"postcode", "zipcode", "payment", "card", "iban", "cvc", "cvv", "token", "authorization", "password", "passwd", "secret",
		"signature", "cookie", "credential", "apikey", "privatekey", "idempotencykey", "badkey",
	}
	only = []string{"name", "city", "line1", "line2", "addressline", "zip", "pan", "jwt", "bearer", "body", "payload"}
)

// Key reports whether what goes by this name must not be shown: customerEmail, X-Carrier-Signature, paymentMethod.
func Key(name string) bool {
	plain := strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r == ' ' || r == '!' {
			return -1
		}
		return r
	}, name))
	return slices.Contains(only, plain) || slices.ContainsFunc(names, func(part string) bool { return strings.Contains(plain, part) })
}

// Attr redacts an attribute of a log line; it is a slog.HandlerOptions.ReplaceAttr. The line's message is one too.
func Attr(groups []string, a slog.Attr) slog.Attr {
	if _, level := a.Value.Any().(slog.Level); level {
		return a
	}
	if Key(a.Key) || slices.ContainsFunc(groups, Key) {
		return slog.String(Text(a.Key), Mask)
	}
	a.Key = Text(a.Key)
	switch a.Value.Kind() {
	case slog.KindString, slog.KindInt64, slog.KindUint64:
		if s := a.Value.String(); Text(s) != s {
			a.Value = slog.StringValue(Text(s))
		}
	case slog.KindAny, slog.KindFloat64:
		a.Value = slog.AnyValue(Value(a.Value.Any()))
	}
	return a
}

// Value returns v as JSON would show it, redacted at every depth. An error becomes its text.
func Value(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case error:
		return Text(v.Error())
	case []byte: // JSON would write them so that nobody sees what is in them, but anybody can
		return Mask
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Mask
	}
	tree, _ := parse(b) // what cannot be read again is nothing
	return walk(tree)
}

// parse reads JSON; numbers stay as they are written.
func parse(b []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return v, d.Decode(&v) == nil && !d.More()
}

func walk(v any) any {
	switch v := v.(type) {
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, member := range v {
			if Key(name) {
				clean[Text(name)] = Mask
			} else {
				clean[Text(name)] = walk(member)
			}
		}
		return clean
	case []any:
		for i := range v {
			v[i] = walk(v[i])
		}
		return v
	case string:
		return Text(v)
	case json.Number:
		if s := v.String(); Text(s) != s {
			return Text(s)
		}
	}
	return v
}
