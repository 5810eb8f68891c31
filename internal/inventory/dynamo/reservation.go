package dynamo

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/ddb"
)

type reservation struct {
	ddb.Opened
	ddb.Stamp
	CustomerID string `dynamodbav:"customerId"`
	Status     string `dynamodbav:"status"`
	Items      []line `dynamodbav:"items" write:"once"`
	Parts      []part `dynamodbav:"parts,omitempty" write:"once"`
}

type line struct {
	SKU      string `dynamodbav:"sku"`
	Quantity int    `dynamodbav:"quantity"`
}

type part struct {
	SKU      string `dynamodbav:"sku"`
	Shard    int    `dynamodbav:"shard"`
	Quantity int    `dynamodbav:"quantity"`
}

var reservationItems = ddb.Versioned[inventory.Reservation, reservation]{
	Key: ddb.Under("order#", "reservation"), Missing: inventory.ErrNoReservation, Encode: fromDomain,
	Decode: reservation.domain,
}

func fromDomain(r inventory.Reservation) reservation {
	item := reservation{
		Stamp:      ddb.Stamp{Version: r.Version, UpdatedAt: r.UpdatedAt},
		CustomerID: r.CustomerID, Status: string(r.Status),
	}
	if r.Status == inventory.StatusReserved {
		item.Opened = ddb.OpenSince(r.OrderID, r.UpdatedAt)
	}
	for _, l := range r.Items {
		item.Items = append(item.Items, line(l))
	}
	for _, p := range r.Parts {
		item.Parts = append(item.Parts, part(p))
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
	for _, p := range item.Parts {
		r.Parts = append(r.Parts, inventory.Part(p))
	}
	return r
}
