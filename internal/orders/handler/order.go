package handler

import (
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/money"
)

// poll is when to read an order that is under way: about as long as most take.
const poll = 2 * time.Second

// order is an order in API responses.
type order struct {
	OrderID string        `json:"orderId"`
	Status  orders.Status `json:"status"`
	// Reason is null if there is none.
	Reason          *orders.Reason    `json:"reason"`
	Items           []contract.Item   `json:"items"`
	Total           money.Money       `json:"total"`
	ShippingAddress contract.Address  `json:"shippingAddress"`
	PaymentMethod   string            `json:"paymentMethod"`
	WaitedFor       orders.Party      `json:"waitedFor,omitempty"`
	Shortages       []orders.Shortage `json:"shortages,omitempty"`
	CancelRequested bool              `json:"cancelRequested"`
	TrackingNumber  string            `json:"trackingNumber,omitempty"`
	TrackingURL     string            `json:"trackingUrl,omitempty"`
	Progress        []milestone       `json:"progress"`
	Version         int64             `json:"version"`
	Changes         []change          `json:"changes"`
	CreatedAt       clock.Stamp       `json:"createdAt"`
	UpdatedAt       clock.Stamp       `json:"updatedAt"`
}

// change is a version of an order in API responses.
type change struct {
	Version int64          `json:"version"`
	Status  orders.Status  `json:"status"`
	Reason  *orders.Reason `json:"reason"`
	At      clock.Stamp    `json:"at"`
}

// milestone is something that an order has reached, in API responses.
type milestone struct {
	Step string      `json:"step"`
	At   clock.Stamp `json:"at"`
}

func toAPI(o orders.Order) order {
	reached := o.Progress()
	converted := order{
		OrderID: o.OrderID, Status: o.Status, Reason: orNull(o.Reason), Items: o.Items, Total: o.Total,
		ShippingAddress: o.ShippingAddress, PaymentMethod: o.PaymentMethod,
		WaitedFor: o.WaitedFor(), Shortages: o.Shortages,
		CancelRequested: o.CancelRequested, TrackingNumber: o.TrackingNumber,
		TrackingURL: o.TrackingURL, Progress: make([]milestone, len(reached)),
		Version: o.Version, Changes: make([]change, len(o.Changes)),
		CreatedAt: clock.Stamp{Time: o.CreatedAt}, UpdatedAt: clock.Stamp{Time: o.UpdatedAt},
	}
	for i, c := range o.Changes {
		converted.Changes[i] = change{c.Version, c.Status, orNull(c.Reason), clock.Stamp{Time: c.At}}
	}
	for i, m := range reached {
		converted.Progress[i] = milestone{m.Step, clock.Stamp{Time: m.At}}
	}
	return converted
}

func orNull(r orders.Reason) *orders.Reason {
	if r == "" {
		return nil
	}
	return &r
}
