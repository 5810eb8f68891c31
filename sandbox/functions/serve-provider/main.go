// Command serve-provider serves the stand-in payment provider behind the sandbox's API.
package main

import (
	"net/http"
	"time"

	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/secrets"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/dynamo"
	"orderflow/sandbox/web"
)

// timeout bounds one notice.
const timeout = 5 * time.Second

func main() {
	function.Start("sandbox", "serve-provider", func(env *function.Env) function.Handler {
		ledger := dynamo.Store{Table: ddb.FromEnv(env)}
		cfg := env.AWS()
		site := provider.Site{
			Endpoints: registry.Open(cfg, env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock),
			Secret:    secrets.Open(cfg, env.Require("WEBHOOK_SECRET"), env.Clock),
			Client:    &http.Client{Timeout: timeout, CheckRedirect: web.NoRedirect},
		}
		return web.Serve(provider.Handler(ledger, env.Clock, env.IDs, provider.Sleep, site))
	})
}
