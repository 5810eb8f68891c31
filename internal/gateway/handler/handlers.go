// Package handler builds the gateway's functions, one constructor each.
package handler

import (
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/function"
)

// Handlers returns the gateway's functions by name, over use cases built by the caller. Those of
// GraphQL and RPC are in packages of their own.
func Handlers(
	svc *gateway.Service, h *gateway.Health, r *strangler.Router, c *strangler.Comparison,
) map[string]function.Handler {
	return map[string]function.Handler{
		"check-liveness":       CheckLiveness(nil),
		"check-readiness":      checkReadiness(h),
		"compare-legacy-reads": compareLegacyReads(c),
		"get-contract":         GetContract(nil),
		"get-order-summary":    getOrderSummary(svc),
		"route-legacy":         routeLegacy(r),
	}
}
