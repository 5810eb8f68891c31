// Command serve-provider is the stand-in payment provider behind the sandbox's API.
package main

import (
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/dynamo"
	"orderflow/sandbox/web"
)

func main() {
	function.Start(func(env *function.Env) (function.Handler, error) {
		ledger := dynamo.New(platform.FromEnv(env))
		return web.Serve(provider.Handler(ledger, env.Clock, env.IDs, provider.Sleep)), nil
	})
}
