// Package dynamo is shipping's store in DynamoDB. Besides what package ddb keeps, the table holds:
//
//	pk               sk        what
//	order#<orderId>  shipment  an order's shipment
package dynamo

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/shipping"
)

// Store implements shipping.Store.
type Store = ddb.Store[shipping.Shipment, shipment]

// Open returns the store in a table.
func Open(t *ddb.Table) Store { return Store{Table: t.Hosting(shipmentItems.Key), Kind: shipmentItems} }

var shipmentItems = ddb.Versioned[shipping.Shipment, shipment]{
	Key: ddb.Under("order#", "shipment"), Missing: shipping.ErrNoShipment, Encode: fromDomain, Decode: shipment.domain,
}

type shipment struct {
	ddb.Stamp
	CustomerID     string `dynamodbav:"customerId"`
	Status         string `dynamodbav:"status"`
	CarrierID      string `dynamodbav:"carrierId"`
	TrackingNumber string `dynamodbav:"trackingNumber,omitempty"`
	Reason         string `dynamodbav:"reason,omitempty"`
	ResumeToken    string `dynamodbav:"resumeToken,omitempty"`
	TraceParent    string `dynamodbav:"traceparent,omitempty"`
}

func fromDomain(sh shipping.Shipment) shipment {
	return shipment{
		Stamp:      ddb.Stamp{Version: sh.Version, UpdatedAt: sh.UpdatedAt},
		CustomerID: sh.CustomerID, Status: string(sh.Status), CarrierID: sh.CarrierID,
		TrackingNumber: sh.TrackingNumber, Reason: sh.Reason, ResumeToken: sh.ResumeToken,
		TraceParent: sh.TraceParent,
	}
}

func (item shipment) domain(orderID string) shipping.Shipment {
	return shipping.Shipment{
		OrderID: orderID, CustomerID: item.CustomerID, Status: shipping.Status(item.Status),
		CarrierID: item.CarrierID, TrackingNumber: item.TrackingNumber, Reason: item.Reason,
		ResumeToken: item.ResumeToken, TraceParent: item.TraceParent,
		Version: item.Version, UpdatedAt: item.UpdatedAt,
	}
}
