// Package redact masks personal data, payment data and secrets in logs. It recognises them by their
// name and by their form. It is a safety net: such data must not be logged in the first place.
package redact

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
)

// Mask replaces redacted text.
const Mask = "[redacted]"

// Values are masked if their name contains one of nameParts or is one of wholeNames.
var (
	nameParts = []string{
		"email", "mail", "phone", "fullname", "firstname", "lastname", "customername", "recipient", "birth",
		"street", "address", "postalcode", "postcode", "zipcode", "payment", "card", "iban", "cvc", "cvv",
		"token", "authorization", "password", "passwd", "secret", "signature", "cookie", "credential",
		"apikey", "privatekey", "idempotencykey", "badkey",
	}
	wholeNames = []string{
		"name", "city", "line1", "line2", "addressline", "zip", "pan", "jwt", "bearer", "body", "payload",
	}
)

// Key reports whether values of this name are masked, such as customerEmail or X-Carrier-Signature.
func Key(name string) bool {
	plain := strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || r == ' ' || r == '!' {
			return -1
		}
		return r
	}, name))
	inName := func(part string) bool { return strings.Contains(plain, part) }
	return slices.Contains(wholeNames, plain) || slices.ContainsFunc(nameParts, inName)
}

// Attr redacts an attribute of a log line, including its message. It is a
// slog.HandlerOptions.ReplaceAttr.
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

// Value returns the JSON form of v, redacted at every depth. An error becomes its text.
func Value(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case error:
		return Text(v.Error())
	case []byte: // JSON encodes them in base64, which hides nothing
		return Mask
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Mask
	}
	tree, _ := parse(b) // nil if it cannot be parsed
	return walk(tree)
}

// parse reads JSON and keeps the digits of numbers.
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
