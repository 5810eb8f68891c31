package gateway

import (
	"context"

	"orderflow/internal/platform/health"
)

// CheckLiveness always passes: the process runs.
func CheckLiveness() health.Public { return health.Public{Status: health.Pass} }

// CheckReadiness reports which services are ready. Results are cached, and only operators may see
// which service fails; see package health. The gateway's own circuits do not count, because it
// works without them.
func (h *Health) CheckReadiness(ctx context.Context) health.Report { return h.ready.Report(ctx) }
