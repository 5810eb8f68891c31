package gateway

import (
	"context"

	"orderflow/internal/platform/money"
)

// Shop is the services' HTTP contract as the edges use it. Every call is made as the caller, so
// each service checks what the caller may see and do. If a service refuses, the error is a fault
// with the service's code and detail; any other error is a failure.
type Shop interface {
	Order(ctx context.Context, as Caller, orderID string) (Order, error)
	Orders(ctx context.Context, as Caller, list OrderList) (OrderPage, error)
	// Payments, Reservations and Shipments return the parts of up to 50 orders. Those that do not
	// exist are left out.
	Payments(ctx context.Context, as Caller, orderIDs []string) ([]Payment, error)
	Reservations(ctx context.Context, as Caller, orderIDs []string) ([]Reservations, error)
	Shipments(ctx context.Context, as Caller, orderIDs []string) ([]Shipment, error)
	Product(ctx context.Context, as Caller, sku string) (Product, error)
	Products(ctx context.Context, as Caller, list ProductList) (ProductPage, error)
	// ProductsBySKU returns up to 50 products. Unknown ones are left out.
	ProductsBySKU(ctx context.Context, as Caller, skus []string) ([]Product, error)
	Stock(ctx context.Context, as Caller, sku string) (Stock, error)
	// Availability returns the availability of up to 50 products.
	Availability(ctx context.Context, as Caller, skus []string) ([]Availability, error)

	PlaceOrder(ctx context.Context, as Caller, in OrderRequest) (Order, error)
	CancelOrder(ctx context.Context, as Caller, orderID string, in CancelRequest) (Order, error)
	PutProduct(ctx context.Context, as Caller, sku string, in ProductRequest) (Product, error)
	AdjustStock(ctx context.Context, as Caller, sku string, in StockAdjustment) (Stock, error)
}

// Caller is the caller on whose behalf the edge calls.
type Caller struct {
	// Authorization is the caller's own header.
	Authorization string
	// IdempotencyKey is the caller's key of a write, or "".
	IdempotencyKey string
}

// OrderList says which orders to list: up to Limit, of a status if Status is not "".
type OrderList struct {
	Limit int
	Start
	Status string
}

// ProductList says which products to list: up to Limit, those that Name finds if it is not "".
type ProductList struct {
	Limit int
	Start
	Name string
}

// Start is the start of a page: the Cursor of the previous page, or After an order or a SKU; the
// beginning if both are "".
type Start struct{ Cursor, After string }

// The types below are the schemas of the same name in api/contract.yaml.
type (
	// Order is an order.
	Order struct {
		OrderID         string        `json:"orderId"`
		Status          string        `json:"status"`
		Reason          *string       `json:"reason"`
		Items           []OrderLine   `json:"items"`
		Total           money.Money   `json:"total"`
		ShippingAddress Address       `json:"shippingAddress"`
		PaymentMethod   string        `json:"paymentMethod"`
		WaitedFor       *string       `json:"waitedFor"`
		Shortages       []Shortage    `json:"shortages"`
		NextAction      *NextAction   `json:"nextAction"`
		CancelRequested bool          `json:"cancelRequested"`
		TrackingNumber  *string       `json:"trackingNumber"`
		TrackingURL     *string       `json:"trackingUrl"`
		Progress        []Milestone   `json:"progress"`
		Version         int64         `json:"version"`
		Changes         []OrderChange `json:"changes"`
		CreatedAt       string        `json:"createdAt"`
		UpdatedAt       string        `json:"updatedAt"`
	}
	// OrderChange is a version of an order.
	OrderChange struct {
		Version int64   `json:"version"`
		Status  string  `json:"status"`
		Reason  *string `json:"reason"`
		At      string  `json:"at"`
	}
	// NextAction is what the customer must do.
	NextAction struct {
		Type  string `json:"type"`
		URL   string `json:"url"`
		Until string `json:"until"`
	}
	// Shortage is a line for which there was too little stock.
	Shortage struct {
		SKU     string `json:"sku"`
		Missing int    `json:"missing"`
	}
	// Milestone is something that an order has reached.
	Milestone struct {
		Step string `json:"step"`
		At   string `json:"at"`
	}
	// OrderLine is a line with the price when the order was placed.
	OrderLine struct {
		SKU       string      `json:"sku"`
		Quantity  int         `json:"quantity"`
		UnitPrice money.Money `json:"unitPrice"`
	}
	// Address is where an order is shipped to.
	Address struct {
		Name       string  `json:"name"`
		Line1      string  `json:"line1"`
		Line2      *string `json:"line2,omitempty"`
		City       string  `json:"city"`
		Region     *string `json:"region,omitempty"`
		PostalCode string  `json:"postalCode"`
		Country    string  `json:"country"`
	}
	// OrderPage is a page of orders; Cursor is nil on the last one.
	OrderPage struct {
		Orders []Order `json:"orders"`
		Cursor *string `json:"cursor"`
	}
	// Payment is the payment of an order.
	Payment struct {
		OrderID        string       `json:"orderId"`
		Status         string       `json:"status"`
		Amount         money.Money  `json:"amount"`
		RefundedAmount *money.Money `json:"refundedAmount"`
		Reason         *string      `json:"reason"`
		Dispute        *string      `json:"dispute"`
	}
	// Reservations is the reserved stock of an order.
	Reservations struct {
		OrderID string         `json:"orderId"`
		Status  string         `json:"status"`
		Items   []ReservedLine `json:"items"`
	}
	// ReservedLine is a quantity of a product.
	ReservedLine struct {
		SKU      string `json:"sku"`
		Quantity int    `json:"quantity"`
	}
	// Shipment is the shipment of an order.
	Shipment struct {
		OrderID        string  `json:"orderId"`
		Status         string  `json:"status"`
		TrackingNumber *string `json:"trackingNumber"`
		Reason         *string `json:"reason"`
	}
	// Product is a product.
	Product struct {
		SKU      string      `json:"sku"`
		Name     string      `json:"name"`
		Price    money.Money `json:"price"`
		Text     *string     `json:"text"`
		ImageURL *string     `json:"imageUrl"`
		Category *string     `json:"category"`
		Unlisted *bool       `json:"unlisted"`
		Version  int64       `json:"version"`
	}
	// ProductPage is a page of products; Cursor is nil on the last one.
	ProductPage struct {
		Products []Product `json:"products"`
		Cursor   *string   `json:"cursor"`
	}
	// Stock is the stock of a product.
	Stock struct {
		SKU       string `json:"sku"`
		OnHand    int64  `json:"onHand"`
		Reserved  int64  `json:"reserved"`
		Shipped   int64  `json:"shipped"`
		Available int64  `json:"available"`
		Moving    bool   `json:"moving"`
	}
	// Availability is whether a product is in stock.
	Availability struct {
		SKU    string `json:"sku"`
		Status string `json:"status"`
		AsOf   string `json:"asOf"`
	}

	// OrderRequest is what to order.
	OrderRequest struct {
		Items           []OrderRequestLine `json:"items"`
		ShippingAddress AddressRequest     `json:"shippingAddress"`
		PaymentMethod   string             `json:"paymentMethod"`
		ExpectedTotal   *money.Money       `json:"expectedTotal,omitempty"`
	}
	// OrderRequestLine is a line of an OrderRequest.
	OrderRequestLine = ReservedLine
	// AddressRequest is an address as entered.
	AddressRequest struct {
		Name       string  `json:"name"`
		Line1      string  `json:"line1"`
		Line2      *string `json:"line2,omitempty"`
		City       string  `json:"city"`
		Region     *string `json:"region,omitempty"`
		PostalCode *string `json:"postalCode,omitempty"`
		Country    string  `json:"country"`
	}
	// CancelRequest says why an order is cancelled.
	CancelRequest struct {
		Reason *string `json:"reason,omitempty"`
	}
	// ProductRequest is a product's new values.
	ProductRequest struct {
		Name     string      `json:"name"`
		Price    money.Money `json:"price"`
		Text     *string     `json:"text,omitempty"`
		ImageURL *string     `json:"imageUrl,omitempty"`
		Category *string     `json:"category,omitempty"`
		Unlisted *bool       `json:"unlisted,omitempty"`
		Reason   *string     `json:"reason,omitempty"`
	}
	// StockAdjustment is a change of stock.
	StockAdjustment struct {
		Delta           int64  `json:"delta"`
		Reason          string `json:"reason"`
		AllowUnknownSKU *bool  `json:"allowUnknownSku,omitempty"`
	}
)

// Final reports whether the order never changes again, as the contract says of its status.
func (o Order) Final() bool {
	return o.Status == "CONFIRMED" || o.Status == "REJECTED" || o.Status == "CANCELLED"
}
