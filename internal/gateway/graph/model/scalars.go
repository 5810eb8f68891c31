package model

import (
	"github.com/99designs/gqlgen/graphql"

	"orderflow/internal/gateway"
)

// MarshalUlid writes a ULID.
func MarshalUlid(id string) graphql.Marshaler { return graphql.MarshalString(id) }

// UnmarshalUlid reads a ULID.
func UnmarshalUlid(v any) (string, error) {
	id, _ := v.(string)
	return id, gateway.CheckOrderID(id)
}

// MarshalSku writes a SKU.
func MarshalSku(sku string) graphql.Marshaler { return graphql.MarshalString(sku) }

// UnmarshalSku reads a SKU.
func UnmarshalSku(v any) (string, error) {
	sku, _ := v.(string)
	return sku, gateway.CheckSKU(sku)
}
