package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ReserveStock composes the function reserve-stock.
func ReserveStock(env *function.Env) function.Handler { return step.Handle(service(env).ReserveStock) }

// CommitStock composes the function commit-stock.
func CommitStock(env *function.Env) function.Handler { return step.Handle(service(env).CommitStock) }

// ReleaseStock composes the function release-stock.
func ReleaseStock(env *function.Env) function.Handler { return step.Handle(service(env).ReleaseStock) }
