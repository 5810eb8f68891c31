package handler

import (
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
)

// poll is when to read an order in progress again: about as long as most orders take.
const poll = 2 * time.Second

// toAPI returns an order as the API answers it.
func toAPI(o orders.Order) contract.Order {
	reached := o.Progress()
	converted := contract.Order{
		OrderID: o.OrderID, Status: string(o.Status), Reason: orNull(o.Reason), Items: o.Items, Total: o.Total,
		ShippingAddress: o.ShippingAddress, PaymentMethod: o.PaymentMethod,
		WaitedFor: string(o.WaitedFor()), Shortages: o.Shortages,
		CancelRequested: o.CancelRequested, TrackingNumber: o.TrackingNumber,
		TrackingURL: o.TrackingURL, Progress: make([]contract.Milestone, len(reached)),
		Version: o.Version, Changes: make([]contract.Change, len(o.Changes)),
		CreatedAt: clock.Stamp{Time: o.CreatedAt}, UpdatedAt: clock.Stamp{Time: o.UpdatedAt},
	}
	if next := o.NextAction; next != nil {
		converted.NextAction = &contract.NextAction{
			Type: contract.Authenticate, URL: next.URL, Until: clock.Stamp{Time: next.Until},
		}
	}
	for i, c := range o.Changes {
		converted.Changes[i] = contract.Change{
			Version: c.Version, Status: string(c.Status), Reason: orNull(c.Reason), At: clock.Stamp{Time: c.At},
		}
	}
	for i, m := range reached {
		converted.Progress[i] = contract.Milestone{Step: m.Step, At: clock.Stamp{Time: m.At}}
	}
	return converted
}

func orNull(r orders.Reason) *string {
	if r == "" {
		return nil
	}
	text := string(r)
	return &text
}
