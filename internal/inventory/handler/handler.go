// Package handler builds inventory's functions, one constructor each.
package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *inventory.Service {
	table := ddb.FromEnv(env)
	svc := inventory.New(dynamo.Open(table), env.Clock, env.IDs)
	if table.Previous { // knows only shard 0 of a product
		return svc.KeepWhole()
	}
	return svc
}
