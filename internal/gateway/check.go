package gateway

import (
	"strings"

	"orderflow/internal/platform/cardnumber"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/jsonschema"
)

// Values that become part of an address or a header are checked before any call.
var (
	errOrderID = Invalid("orderId", "must be a ULID")
	errSKU     = Invalid("sku", "must have 1 to 64 letters, digits, dots, dashes and underscores")
	errKey     = Invalid("Idempotency-Key", "must have 1 to 255 visible ASCII characters, and no card number")
)

// Invalid is the fault of one field of a request.
func Invalid(field, detail string) *fault.Error {
	violations := []jsonschema.Violation{{Pointer: field, Code: jsonschema.WrongFormat, Detail: detail}}
	return fault.New(fault.Invalid, "InvalidRequest", "%s %s", field, detail).
		Because(&jsonschema.Invalid{Violations: violations})
}

// CheckOrderID refuses a text that is not an order id.
func CheckOrderID(id string) error {
	if !ids.Valid(id) {
		return errOrderID
	}
	return nil
}

// CheckSKU refuses a text that is not a SKU.
func CheckSKU(sku string) error {
	alphanumeric := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	strange := func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("._-", r) }
	if sku == "" || len(sku) > 64 || !alphanumeric(rune(sku[0])) || strings.ContainsFunc(sku, strange) {
		return errSKU
	}
	return nil
}

// CheckIdempotencyKey refuses a text that is not an idempotency key.
func CheckIdempotencyKey(key string) error {
	strange := func(r rune) bool { return r < '!' || r > '~' }
	if key == "" || len(key) > 255 || strings.ContainsFunc(key, strange) || cardnumber.In(key) {
		return errKey
	}
	return nil
}
