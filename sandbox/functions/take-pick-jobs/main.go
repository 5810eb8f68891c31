// Command take-pick-jobs is the warehouse's own system: RabbitMQ invokes it with the shop's jobs.
package main

import (
	"context"
	"errors"
	"log/slog"

	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/rabbitmq/source"
	"orderflow/sandbox/warehouse"
	"orderflow/sandbox/warehouse/amqp"
	"orderflow/sandbox/warehouse/dynamo"
)

func main() {
	function.Start("sandbox", "take-pick-jobs", func(env *function.Env) function.Handler {
		w := amqp.Connect(env, dynamo.Store{Table: ddb.FromEnv(env)})
		return source.Messages(func(ctx context.Context, m source.Message) error {
			err := w.Handle(ctx, warehouse.Message{Type: m.Type, Body: m.Body})
			if errors.Is(err, warehouse.ErrMessage) { // would be redelivered forever
				slog.ErrorContext(ctx, "message dropped", "error", err.Error())
				return nil
			}
			return err
		})
	})
}
