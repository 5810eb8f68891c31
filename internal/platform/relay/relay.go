// Package relay composes the relay-…-events function that every service with a table has.
package relay

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/outbox/snstopic"
)

// Events publishes the outbox of the table TABLE_NAME to the topic TOPIC_ARN, as the table's stream tells of it; and what
// the stream did not tell of when a schedule calls.
func Events(env *function.Env) function.Handler {
	return outbox.RelayAndSweep(snstopic.FromEnv(env), ddb.FromEnv(env), env.Clock)
}
