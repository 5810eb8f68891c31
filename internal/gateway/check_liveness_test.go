package gateway_test

import (
	"testing"

	"orderflow/internal/gateway"
)

func TestAliveWithoutAskingAnybody(t *testing.T) {
	if h := gateway.CheckLiveness(); h.Status != gateway.Pass || h.Checks == nil || len(h.Checks) != 0 {
		t.Errorf("%+v, want a pass with an empty list of checks", h)
	}
}
