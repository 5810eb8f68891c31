package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ReserveStock composes the function reserve-stock.
func ReserveStock(env *function.Env) (function.Handler, error) {
	return step.Handle(service(env).ReserveStock), nil
}

// CommitStock composes the function commit-stock.
func CommitStock(env *function.Env) (function.Handler, error) {
	return step.Handle(service(env).CommitStock), nil
}

// ReleaseStock composes the function release-stock.
func ReleaseStock(env *function.Env) (function.Handler, error) {
	return step.Handle(service(env).ReleaseStock), nil
}
