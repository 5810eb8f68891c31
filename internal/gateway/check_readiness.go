package gateway

import (
	"context"

	"orderflow/internal/platform/health"
)

// CheckLiveness passes always: that it runs is the answer.
func CheckLiveness() health.Public { return health.Public{Status: health.Pass} }

// CheckReadiness tells which of the services are ready, for a while again; see health.Report for who may know. The edge's own parts
// do not count: it does its work without them.
func (h *Health) CheckReadiness(ctx context.Context) health.Report { return h.ready.Report(ctx) }
