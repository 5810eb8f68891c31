package handler

import (
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/money"
)

// order is the API's form of orders.Order.
type order struct {
	OrderID string        `json:"orderId"`
	Status  orders.Status `json:"status"`
	// Reason is null while there is none.
	Reason          *orders.Reason   `json:"reason"`
	Items           []contract.Item  `json:"items"`
	Total           money.Money      `json:"total"`
	ShippingAddress contract.Address `json:"shippingAddress"`
	PaymentMethod   string           `json:"paymentMethod"`
	CreatedAt       time.Time        `json:"createdAt"`
	UpdatedAt       time.Time        `json:"updatedAt"`
}

func form(o orders.Order) order {
	f := order{
		OrderID: o.OrderID, Status: o.Status, Items: o.Items, Total: o.Total,
		ShippingAddress: o.ShippingAddress, PaymentMethod: o.PaymentMethod, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
	if o.Reason != "" {
		f.Reason = &o.Reason
	}
	return f
}
