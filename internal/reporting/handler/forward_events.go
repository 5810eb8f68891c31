package handler

import (
	catalog "orderflow/internal/catalog/contract"
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/kafka"
	shipping "orderflow/internal/shipping/contract"
)

// ForwardEvents builds the function forward-events.
func ForwardEvents(env *function.Env) function.Handler {
	return forwardEvents(kafka.NewProducer(kafka.FromEnv(env)))
}

func forwardEvents(log reporting.Producer) function.Handler {
	return consumer.Together(schemas(), reporting.MessageOf, log.Append)
}

// schemas are those of all events that go into the log.
func schemas() schema.Set {
	return schema.Merge(schema.Load(orders.Schemas), schema.Load(payments.Schemas), schema.Load(inventory.Schemas),
		schema.Load(shipping.Schemas), schema.Load(catalog.Schemas))
}
