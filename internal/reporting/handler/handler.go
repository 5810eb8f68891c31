// Package handler builds reporting's functions, one constructor each.
package handler

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/dynamo"
)

// reader builds the use cases that read reports.
func reader(env *function.Env) *reporting.Service {
	return reporting.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, nil)
}

// rebuilds builds the use cases of rebuilds. log and machine are nil for functions that do not need
// them. Records parked by a rebuild are not counted: they were counted when they were first
// projected.
func rebuilds(env *function.Env, log reporting.Log, machine reporting.Machine) *reporting.Rebuilds {
	return reporting.NewRebuilds(reporting.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, nil), log, machine)
}
