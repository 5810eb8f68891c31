// Package handler composes orders' functions, one constructor each.
package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/orders/dynamo"
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *orders.Service {
	return orders.New(observed{dynamo.New(platform.FromEnv(env))}, env.Clock, env.IDs)
}
