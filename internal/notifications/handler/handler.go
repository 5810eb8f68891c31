// Package handler composes the function of notifications.
package handler

import (
	"orderflow/internal/notifications"
	"orderflow/internal/notifications/dynamo"
	"orderflow/internal/notifications/ses"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/consumer"
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/schema"
	shipping "orderflow/internal/shipping/contract"
)

// NotifyCustomer composes the function notify-customer.
func NotifyCustomer(env *function.Env) (function.Handler, error) {
	mailer := ses.New(env.AWS(), env.Require("SENDER"))
	return notifyCustomer(notifications.New(dynamo.New(platform.FromEnv(env)), mailer, env.Clock, env.IDs))
}

func notifyCustomer(svc *notifications.Service) (function.Handler, error) {
	known, err := schemas()
	return consumer.Handle(known, svc.NotifyCustomer), err
}

// schemas are of the events that notify-customer consumes, and no others.
func schemas() (schema.Set, error) {
	ofOrders, err := schema.Load(orders.Schemas, orders.OrderCreated, orders.OrderConfirmed, orders.OrderRejected,
		orders.OrderCancelled, orders.OrderNeedsAttention)
	if err != nil {
		return nil, err
	}
	ofShipping, err := schema.Load(shipping.Schemas, shipping.ShipmentBooked)
	return schema.Merge(ofOrders, ofShipping), err
}
