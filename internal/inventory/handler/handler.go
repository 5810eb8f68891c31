// Package handler composes inventory's functions, one constructor each.
package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/dynamo"
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *inventory.Service {
	return inventory.New(dynamo.New(platform.FromEnv(env)), env.Clock, env.IDs)
}
