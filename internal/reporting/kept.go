package reporting

import (
	catalog "orderflow/internal/catalog/contract"
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	shipping "orderflow/internal/shipping/contract"
)

// members are the names of an object's members that go into the log, with theirs if they are
// objects or lists of objects.
type members map[string]members

// kept are the members of an event's data that go into the log, by type. All others stay out, also
// those that a later version of a schema adds: nobody could delete personal data from the log on
// request. Customer ids stay out, too, since they identify a person to anyone who has the user
// pool; so do texts that an operator, a carrier or a provider wrote, which may name people.
var kept = map[string]members{
	orders.OrderCreated:               placedOrder,
	orders.OrderOverdue:               placedOrder,
	orders.OrderConfirmed:             changedOrder,
	orders.OrderRejected:              changedOrder,
	orders.OrderCancelled:             changedOrder,
	orders.OrderNeedsAttention:        changedOrder,
	orders.OrderCancellationRequested: changedOrder,

	payments.PaymentAuthorized:     payment,
	payments.PaymentDeclined:       payment,
	payments.PaymentCaptured:       payment,
	payments.PaymentVoided:         payment,
	payments.PaymentRefunded:       payment,
	payments.PaymentPartlyRefunded: payment,
	payments.PaymentDisputed:       payment,
	payments.PaymentActionRequired: {"orderId": nil, "amount": amount, "until": nil}, // whoever has the url may act
	payments.PaymentActionEnded:    payment,

	inventory.StockReserved:      movedStock,
	inventory.StockCommitted:     movedStock,
	inventory.StockReleased:      movedStock,
	inventory.ReservationOverdue: {"orderId": nil},
	inventory.StockAdjusted:      {"sku": nil, "delta": nil},

	shipping.ShipmentRequested: {"orderId": nil},
	shipping.ShipmentBooked:    {"orderId": nil},
	shipping.ShipmentRefused:   {"orderId": nil},
	shipping.ShipmentCancelled: {"orderId": nil},

	catalog.ProductPriceChanged: {"sku": nil, "name": nil, "price": amount, "version": nil},
}

var (
	amount      = members{"currency": nil, "amount": nil}
	placedOrder = members{
		"orderId": nil, "items": {"sku": nil, "quantity": nil, "unitPrice": amount}, "total": amount,
	}
	changedOrder = members{"orderId": nil, "total": amount, "reason": nil} // the reason is a code
	payment      = members{"orderId": nil, "amount": amount, "refundedAmount": amount, "dispute": nil}
	movedStock   = members{"orderId": nil, "items": {"sku": nil, "quantity": nil}}
)

// of returns the part of a value that is kept, and whether there is any.
func (m members) of(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		part := map[string]any{}
		for name, within := range m {
			if given, has := v[name]; has {
				if given, has = within.of(given); has {
					part[name] = given
				}
			}
		}
		return part, m != nil
	case []any:
		part := []any{}
		for _, given := range v {
			if given, has := m.of(given); has {
				part = append(part, given)
			}
		}
		return part, m != nil
	default:
		return v, m == nil
	}
}
