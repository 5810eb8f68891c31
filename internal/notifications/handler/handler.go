// Package handler composes the function of notifications.
package handler

import (
	"orderflow/internal/notifications"
	"orderflow/internal/notifications/dynamo"
	"orderflow/internal/notifications/ses"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/consumer"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
)

// NotifyCustomer composes the function notify-customer.
func NotifyCustomer(env *function.Env) function.Handler {
	mailer := ses.New(env.AWS(), env.Require("SENDER"))
	return notifyCustomer(notifications.New(dynamo.Store{Table: ddb.FromEnv(env)}, mailer, env.Clock, env.IDs))
}

// retired are the types that the queue was subscribed to until release 0.11. They can go when every stage has it.
var retired = []string{orders.OrderCreated, "orderflow.shipping.shipment.booked.v1"}

func notifyCustomer(svc *notifications.Service) function.Handler {
	return consumer.Handle(schemas(), svc.NotifyCustomer, retired...)
}

// schemas are of the events that notify-customer consumes, and no others.
func schemas() schema.Set {
	return schema.Load(orders.Schemas,
		orders.OrderConfirmed, orders.OrderRejected, orders.OrderCancelled, orders.OrderNeedsAttention)
}
