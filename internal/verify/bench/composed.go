package bench

import (
	catalog "orderflow/internal/catalog/handler"
	fulfilment "orderflow/internal/fulfilment/handler"
	inventory "orderflow/internal/inventory/handler"
	notifications "orderflow/internal/notifications/handler"
	orders "orderflow/internal/orders/handler"
	payments "orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/relay"
	shipping "orderflow/internal/shipping/handler"
)

// composers build the functions that orders and lists of orders use, as their mains do.
var composers = map[string]func(*function.Env) function.Handler{
	"put-product": catalog.PutProduct, "relay-catalog-events": relay.Events,
	"list-products": catalog.ListProducts, "get-product": catalog.GetProduct,
	"start-fulfilment": fulfilment.StartFulfilment, "cancel-fulfilment": fulfilment.CancelFulfilment,
	"resume-fulfilment": fulfilment.ResumeFulfilment, "recover-fulfilment": fulfilment.RecoverFulfilment,
	"adjust-stock": inventory.AdjustStock, "get-stock": inventory.GetStock, "project-product": inventory.ProjectProduct,
	"reserve-stock": inventory.ReserveStock, "commit-stock": inventory.CommitStock,
	"release-stock": inventory.ReleaseStock, "list-reservations": inventory.ListReservations,
	"list-availability":  inventory.ListAvailability,
	"sweep-reservations": inventory.SweepReservations, "relay-inventory-events": relay.Events,
	"notify-customer": notifications.NotifyCustomer,
	"place-order":     orders.PlaceOrder, "get-order": orders.GetOrder, "list-orders": orders.ListOrders,
	"find-orders":  orders.FindOrders,
	"cancel-order": orders.CancelOrder, "close-order": orders.CloseOrder, "confirm-order": orders.ConfirmOrder,
	"reject-order": orders.RejectOrder, "flag-order": orders.FlagOrder, "project-price": orders.ProjectPrice,
	"sweep-orders": orders.SweepOrders, "relay-orders-events": relay.Events,
	"authorize-payment": payments.AuthorizePayment, "capture-payment": payments.CapturePayment,
	"void-payment": payments.VoidPayment, "get-payment": payments.GetPayment, "list-payments": payments.ListPayments,
	"project-order": payments.ProjectOrder, "reconcile-charges": payments.ReconcileCharges,
	"relay-payments-events": relay.Events,
	"arrange-shipment":      shipping.ArrangeShipment, "await-shipment": shipping.AwaitShipment,
	"cancel-shipment": shipping.CancelShipment, "get-shipment": shipping.GetShipment,
	"list-shipments": shipping.ListShipments, "receive-carrier-webhook": shipping.ReceiveCarrierWebhook,
	"relay-shipping-events": relay.Events, "relay-gateway-events": relay.Events,
}
