package handler

import (
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/rabbitmq"
	"orderflow/internal/platform/schema"
	"orderflow/internal/warehouse"
)

// exchange is where messages to the warehouse go.
const exchange = "orderflow.warehouse"

// SendPickJob builds the function send-pick-job.
func SendPickJob(env *function.Env) function.Handler {
	return sendPickJob(service(env, rabbitmq.FromEnv(env, exchange), nil))
}

func sendPickJob(svc *warehouse.Service) function.Handler {
	schemas := schema.Merge(
		schema.Load(orders.Schemas, orders.OrderConfirmed, orders.OrderCancelled),
		schema.Load(inventory.Schemas, inventory.StockCommitted))
	return consumer.Handle(schemas, svc.SendPickJob)
}
