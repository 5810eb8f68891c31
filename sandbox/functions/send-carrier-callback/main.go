// Command send-carrier-callback decides bookings and sends their callbacks, invoked by the ledger
// table's stream.
package main

import (
	"net/http"
	"time"

	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/secrets"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/dynamo"
	"orderflow/sandbox/carrier/stream"
	"orderflow/sandbox/web"
)

// timeout bounds one callback.
const timeout = 5 * time.Second

func main() {
	function.Start("sandbox", "send-carrier-callback", func(env *function.Env) function.Handler {
		cfg := env.AWS()
		sender := carrier.Sender{
			Carrier:   carrier.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, env.IDs),
			Endpoints: registry.Open(cfg, env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock),
			Secret:    secrets.Open(cfg, env.Require("WEBHOOK_SECRET"), env.Clock),
			Clock:     env.Clock,
			Client:    &http.Client{Timeout: timeout, CheckRedirect: web.NoRedirect},
		}
		return stream.Handle(sender.Send)
	})
}
