// Package handler builds catalog's functions, one constructor each.
package handler

import (
	"orderflow/internal/catalog"
	"orderflow/internal/catalog/dynamo"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
)

func service(env *function.Env) *catalog.Service {
	return catalog.New(dynamo.Open(ddb.FromEnv(env)), env.Clock, env.IDs)
}
