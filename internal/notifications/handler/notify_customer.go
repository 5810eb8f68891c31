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

// NotifyCustomer builds the function notify-customer.
func NotifyCustomer(env *function.Env) function.Handler {
	mailer := ses.New(env.AWS(), env.Require("SENDER"))
	return notifyCustomer(notifications.New(dynamo.Store{Table: ddb.FromEnv(env)}, mailer, env.Clock, env.IDs))
}

// retired are event types that the queue subscribed to before release 0.11. Remove them once every
// stage runs 0.11.
var retired = []string{orders.OrderCreated, "orderflow.shipping.shipment.booked.v1"}

func notifyCustomer(svc *notifications.Service) function.Handler {
	return consumer.Handle(schemas(), svc.NotifyCustomer, retired...)
}

// schemas are those of the events that notify-customer consumes.
func schemas() schema.Set {
	return schema.Load(orders.Schemas,
		orders.OrderConfirmed, orders.OrderRejected, orders.OrderCancelled, orders.OrderNeedsAttention)
}
