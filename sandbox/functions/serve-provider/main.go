// Command serve-provider serves the stand-in payment provider behind the sandbox's API.
package main

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/dynamo"
	"orderflow/sandbox/web"
)

func main() {
	function.Start("sandbox", "serve-provider", func(env *function.Env) function.Handler {
		ledger := dynamo.Store{Table: ddb.FromEnv(env)}
		return web.Serve(provider.Handler(ledger, env.Clock, env.IDs, provider.Sleep))
	})
}
