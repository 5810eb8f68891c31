// Package handler builds orders' functions, one constructor each.
package handler

import (
	"orderflow/internal/orders"
	"orderflow/internal/orders/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *orders.Service {
	return orders.New(Observed(dynamo.Open(ddb.FromEnv(env))), env.Clock, env.IDs)
}
