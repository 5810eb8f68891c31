package gateway_test

import (
	"testing"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/health"
)

func TestLivenessAlwaysPasses(t *testing.T) {
	if h := gateway.CheckLiveness(); h.Status != health.Pass {
		t.Errorf("%+v", h)
	}
}
