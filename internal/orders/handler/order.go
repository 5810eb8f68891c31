package handler

import (
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/money"
)

// order is an order in API responses.
type order struct {
	OrderID string        `json:"orderId"`
	Status  orders.Status `json:"status"`
	// Reason is null if there is none.
	Reason          *orders.Reason   `json:"reason"`
	Items           []contract.Item  `json:"items"`
	Total           money.Money      `json:"total"`
	ShippingAddress contract.Address `json:"shippingAddress"`
	PaymentMethod   string           `json:"paymentMethod"`
	CreatedAt       time.Time        `json:"createdAt"`
	UpdatedAt       time.Time        `json:"updatedAt"`
}

func toAPI(o orders.Order) order {
	converted := order{
		OrderID: o.OrderID, Status: o.Status, Items: o.Items, Total: o.Total,
		ShippingAddress: o.ShippingAddress, PaymentMethod: o.PaymentMethod,
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
	if o.Reason != "" {
		converted.Reason = &o.Reason
	}
	return converted
}
