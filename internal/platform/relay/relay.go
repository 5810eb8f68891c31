// Package relay composes the relay-…-events function of every service with a table.
package relay

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/outbox/snstopic"
)

// Events publishes the outbox of the table TABLE_NAME to the topic TOPIC_ARN: from the table's
// stream, and on a schedule what the stream did not deliver.
func Events(env *function.Env) function.Handler {
	return outbox.RelayAndSweep(snstopic.FromEnv(env), ddb.FromEnv(env), env.Clock)
}
