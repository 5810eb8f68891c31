// Package handler composes inventory's functions, one constructor each.
package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *inventory.Service {
	return inventory.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, env.IDs)
}
