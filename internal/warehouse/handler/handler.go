// Package handler builds warehouse's functions.
package handler

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/rabbitmq"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/dynamo"
	"orderflow/internal/warehouse/signin"
	"orderflow/internal/warehouse/stockapi"
)

// exchange is where messages to the warehouse go.
const exchange = "orderflow.warehouse"

func service(env *function.Env, broker warehouse.Broker, inventory warehouse.Inventory) *warehouse.Service {
	return warehouse.New(dynamo.Store{Table: ddb.FromEnv(env)}, broker, inventory, env.Clock, env.IDs)
}

// SendPickJob builds the function send-pick-job.
func SendPickJob(env *function.Env) function.Handler {
	return sendPickJob(service(env, rabbitmq.FromEnv(env, exchange), nil))
}

// ReceiveGoods builds the function receive-goods.
func ReceiveGoods(env *function.Env) function.Handler { return receiveGoods(service(env, nil, nil)) }

// AdjustStockLevels builds the function adjust-stock-levels.
func AdjustStockLevels(env *function.Env) function.Handler {
	calls := outbound.New(env, "warehouse", ddb.FromEnv(env))
	return adjustStockLevels(service(env, nil, stockapi.New(calls.To(stockapi.Name), signin.FromEnv(env))))
}
