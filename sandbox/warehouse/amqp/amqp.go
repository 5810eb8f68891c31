// Package amqp connects the warehouse to its exchanges.
package amqp

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/rabbitmq"
	"orderflow/sandbox/warehouse"
)

// The warehouse's exchanges. Messages to late wait in a queue from which they expire into now.
const (
	now  = "warehouse.orderflow"
	late = "warehouse.late"
)

// Connect returns the warehouse with its books in store.
func Connect(env *function.Env, store warehouse.Store) warehouse.Warehouse {
	return warehouse.Warehouse{Store: store, Now: rabbitmq.FromEnv(env, now), Late: rabbitmq.FromEnv(env, late)}
}
