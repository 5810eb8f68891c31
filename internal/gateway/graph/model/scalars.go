package model

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

// The values of these scalars become parts of addresses, so they are checked before any call.
var (
	errUlid = fault.New(fault.Invalid, "InvalidRequest", "an order id must be a ULID")
	errSku  = fault.New(fault.Invalid, "InvalidRequest",
		"a SKU must have 1 to 64 letters, digits, dots, dashes and underscores")
)

// MarshalUlid writes a ULID.
func MarshalUlid(id string) graphql.Marshaler { return graphql.MarshalString(id) }

// UnmarshalUlid reads a ULID.
func UnmarshalUlid(v any) (string, error) {
	id, ok := v.(string)
	if !ok || !ids.Valid(id) {
		return "", errUlid
	}
	return id, nil
}

// MarshalSku writes a SKU.
func MarshalSku(sku string) graphql.Marshaler { return graphql.MarshalString(sku) }

// UnmarshalSku reads a SKU.
func UnmarshalSku(v any) (string, error) {
	sku, ok := v.(string)
	alphanumeric := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	strange := func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("._-", r) }
	if !ok || sku == "" || len(sku) > 64 || !alphanumeric(rune(sku[0])) || strings.ContainsFunc(sku, strange) {
		return "", errSku
	}
	return sku, nil
}
