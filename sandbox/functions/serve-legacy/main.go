// Command serve-legacy serves the old shop behind the sandbox's API.
package main

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/secrets"
	"orderflow/sandbox/legacy"
	"orderflow/sandbox/legacy/dynamo"
	"orderflow/sandbox/web"
)

func main() {
	function.Start("sandbox", "serve-legacy", func(env *function.Env) function.Handler {
		store := dynamo.Store{Table: ddb.FromEnv(env)}
		key := secrets.Open(env.AWS(), env.Require("SHOP_KEY"), env.Clock)
		return web.Serve(legacy.Handler(store, env.Clock, key))
	})
}
