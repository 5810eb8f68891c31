package handler

import (
	"context"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// CheckLiveness builds the function check-liveness, which has no dependencies and no permissions.
// It also answers OPTIONS for the whole API (ADR 26).
func CheckLiveness(*function.Env) function.Handler {
	h := httpapi.Handle("checkLiveness", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.OK(gateway.CheckLiveness()), nil
	})
	return httpapi.WithPreflights(h)
}
