// Package handler composes inventory's functions, one constructor each.
package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *inventory.Service {
	svc := inventory.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, env.IDs)
	if env.Optional("STORED_FORM") == "previous" { // that release knows only shard 0 of a product
		return svc.KeepWhole()
	}
	return svc
}
