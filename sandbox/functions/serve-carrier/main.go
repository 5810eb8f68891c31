// Command serve-carrier serves the stand-in carrier behind the sandbox's API.
package main

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/dynamo"
	"orderflow/sandbox/web"
)

func main() {
	function.Start("sandbox", "serve-carrier", func(env *function.Env) function.Handler {
		store := dynamo.Store{Table: ddb.FromEnv(env)}
		return web.Serve(carrier.Handler(store, env.Clock, env.IDs))
	})
}
