package dynamo

import (
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/ddb"
)

type reservation struct {
	ddb.Opened
	CustomerID string    `dynamodbav:"customerId"`
	Status     string    `dynamodbav:"status"`
	Items      []line    `dynamodbav:"items" write:"once"`
	Version    int64     `dynamodbav:"version"`
	UpdatedAt  time.Time `dynamodbav:"updatedAt"`
}

type line struct {
	SKU      string `dynamodbav:"sku"`
	Quantity int    `dynamodbav:"quantity"`
}

var reservationItems = ddb.Versioned[inventory.Reservation, reservation]{
	Key: ddb.Under("order#", "reservation"), Missing: inventory.ErrNoReservation, Encode: fromDomain,
	Decode: reservation.domain,
}

func fromDomain(r inventory.Reservation) reservation {
	item := reservation{CustomerID: r.CustomerID, Status: string(r.Status), Version: r.Version, UpdatedAt: r.UpdatedAt}
	if r.Status == inventory.StatusReserved {
		item.Opened = ddb.OpenSince(r.OrderID, r.UpdatedAt)
	}
	for _, l := range r.Items {
		item.Items = append(item.Items, line(l))
	}
	return item
}

func (item reservation) domain(orderID string) inventory.Reservation {
	r := inventory.Reservation{
		OrderID: orderID, CustomerID: item.CustomerID, Status: inventory.Status(item.Status),
		Version: item.Version, UpdatedAt: item.UpdatedAt,
	}
	for _, l := range item.Items {
		r.Items = append(r.Items, contract.Line(l))
	}
	return r
}
