package sandboxtest

import (
	"context"
	"math"
	"net/http"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/legacy"
	"orderflow/sandbox/legacy/memory"
)

// LegacyShop is the sandbox's old shop. It implements http.Handler.
type LegacyShop struct {
	http.Handler
	// Key is the key of its callers.
	Key    Secret
	orders *memory.Store
}

// NewLegacyShop returns an old shop without customers.
func NewLegacyShop(c clock.Clock) *LegacyShop {
	const key = Secret("sample-key")
	orders := memory.New(c)
	return &LegacyShop{legacy.Handler(orders, c, key), key, orders}
}

// Orders returns all orders of a customer, newest first, as the shop stores them.
func (s *LegacyShop) Orders(customer string) []legacy.Order {
	return must(s.orders.Orders(context.Background(), customer, math.MaxInt))
}

// Secret is a secret that is known from the beginning.
type Secret string

// Value returns the secret.
func (s Secret) Value(context.Context) ([]byte, error) { return []byte(s), nil }
