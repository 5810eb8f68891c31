// Command serve-warehouse lets workers receive and count goods in the warehouse, behind its API.
package main

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/sandbox/warehouse"
	"orderflow/sandbox/warehouse/amqp"
	"orderflow/sandbox/warehouse/dynamo"
	"orderflow/sandbox/web"
)

func main() {
	function.Start("sandbox", "serve-warehouse", func(env *function.Env) function.Handler {
		return web.Serve(warehouse.Handler(amqp.Connect(env, dynamo.Store{Table: ddb.FromEnv(env)})))
	})
}
