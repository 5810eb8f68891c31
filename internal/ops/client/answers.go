package client

import (
	catalog "orderflow/internal/catalog/contract"
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	reporting "orderflow/internal/reporting/contract"
	shipping "orderflow/internal/shipping/contract"
)

// The types of the API's answers are the services' own.
type (
	// Item is a quantity of a product.
	Item = inventory.Line
	// Order is an order.
	Order = orders.Order
	// Change is a version of an order.
	Change = orders.Change
	// NextAction is what the customer must do before a time.
	NextAction = orders.NextAction
	// Shortage says how many units of a line were missing.
	Shortage = orders.Shortage
	// Milestone is something that an order has reached.
	Milestone = orders.Milestone
	// Line is a line of an order, at the price when it was placed.
	Line = orders.Item
	// FoundOrder is an order in an operator's list.
	FoundOrder = orders.FoundOrder
	// Payment is the payment of an order.
	Payment = payments.Payment
	// Reservations are the stock held for an order.
	Reservations = inventory.Reservations
	// Shipment is the shipment of an order.
	Shipment = shipping.Shipment
	// Product is a product of the catalog.
	Product = catalog.Product
	// ProductValues are what a product is changed to.
	ProductValues = catalog.Values
	// Stock is the quantities of a product.
	Stock = inventory.Stock
	// Availability is whether a product is in stock.
	Availability = inventory.Availability
	// Generation is the generation of the reports that answered.
	Generation = reporting.Generation
	// Sales are the sales in a currency.
	Sales = reporting.Sales
	// ProductSales are the sales of a product in a currency.
	ProductSales = reporting.ProductSales
	// Outcome is how many orders were placed, or ended in one way.
	Outcome = reporting.Outcome
	// Latency is how long orders took to their final status.
	Latency = reporting.Latency
	// ParkedRecord is a record of the log that is in no report.
	ParkedRecord = reporting.ParkedRecord
	// Rebuild is a rebuild of the reports from the log.
	Rebuild = reporting.Rebuild
)
