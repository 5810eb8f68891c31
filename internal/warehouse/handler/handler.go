// Package handler builds warehouse's functions, one constructor each.
package handler

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/dynamo"
)

func service(env *function.Env, broker warehouse.Broker, inventory warehouse.Inventory) *warehouse.Service {
	return warehouse.New(dynamo.Store{Table: ddb.FromEnv(env)}, broker, inventory, env.Clock, env.IDs)
}
