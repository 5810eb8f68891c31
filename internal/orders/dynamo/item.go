package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

type order struct {
	ddb.Opened
	ddb.Stamp
	byCustomer
	OrderID         string    `dynamodbav:"orderId"`
	CustomerID      string    `dynamodbav:"customerId"`
	CustomerEmail   string    `dynamodbav:"customerEmail"`
	Status          string    `dynamodbav:"status"`
	Reason          string    `dynamodbav:"reason,omitempty"`
	Items           []line    `dynamodbav:"items" write:"once"`
	Total           ddb.Money `dynamodbav:"total" write:"once"`
	ShippingAddress address   `dynamodbav:"shippingAddress" write:"once"`
	PaymentMethod   string    `dynamodbav:"paymentMethod"`
	CancelRequested bool      `dynamodbav:"cancelRequested"`
	CancelledBy     string    `dynamodbav:"cancelRequestedBy,omitempty"`
	Closed          bool      `dynamodbav:"closed"`
	Detail          string    `dynamodbav:"detail,omitempty"`
	Shortages       []string  `dynamodbav:"shortages,omitempty"`
	TrackingNumber  string    `dynamodbav:"trackingNumber,omitempty"`
	TrackingURL     string    `dynamodbav:"trackingUrl,omitempty"`
	Reached         string    `dynamodbav:"reached,omitempty"`
	ActionURL       string    `dynamodbav:"nextActionUrl,omitempty"`
	ActionUntil     int64     `dynamodbav:"nextActionUntil,omitempty"` // in milliseconds since 1970
	ActionVersion   int64     `dynamodbav:"nextActionVersion,omitempty"`
	Changes         []change  `dynamodbav:"changes,omitempty"`
	CreatedAt       time.Time `dynamodbav:"createdAt"`
}

// byCustomer is an order's key in the index by customer.
type byCustomer struct {
	PK string `dynamodbav:"byCustomerPk"`
	SK string `dynamodbav:"byCustomerSk"`
}

// change is stored as text: version, time, status and reason, if there is one. The format cannot
// grow: an older version, which rewrites the list, would lose what it does not know.
type change orders.Change

func (c change) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	text := fmt.Sprintf("%d %s %s %s", c.Version, c.At.UTC().Format(time.RFC3339Nano), c.Status, c.Reason)
	return &types.AttributeValueMemberS{Value: strings.TrimSuffix(text, " ")}, nil
}

func (c *change) UnmarshalDynamoDBAttributeValue(v types.AttributeValue) (err error) {
	var text string
	if err := attributevalue.Unmarshal(v, &text); err != nil {
		return err
	}
	fields := append(strings.Fields(text), "")
	if len(fields) < 4 {
		return fault.New(fault.Internal, "BadItem", "a change of an order is not a version, a time and a status")
	}
	c.Status, c.Reason = orders.Status(fields[2]), orders.Reason(fields[3])
	if c.Version, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return err
	}
	c.At, err = time.Parse(time.RFC3339Nano, fields[1])
	return err
}

// reached encodes the milestones of an order compactly: for each of orders.SagaMilestones the
// milliseconds since the order was placed, or "-" if it is missing. More may follow.
func reached(o orders.Order) string {
	if len(o.Milestones) == 0 {
		return ""
	}
	fields := make([]string, len(orders.SagaMilestones))
	for i, step := range orders.SagaMilestones {
		fields[i] = "-"
		for _, m := range o.Milestones {
			if m.Step == step {
				fields[i] = strconv.FormatInt(m.At.Sub(o.CreatedAt).Milliseconds(), 10)
			}
		}
	}
	return strings.Join(fields, " ")
}

func milestones(item order) (all []orders.Milestone) {
	for i, field := range strings.Fields(item.Reached) {
		ms, err := strconv.ParseInt(field, 10, 64)
		if err == nil && i < len(orders.SagaMilestones) {
			at := item.CreatedAt.Add(time.Duration(ms) * time.Millisecond)
			all = append(all, orders.Milestone{Step: orders.SagaMilestones[i], At: at})
		}
	}
	return all
}

type line struct {
	SKU       string    `dynamodbav:"sku"`
	Quantity  int       `dynamodbav:"quantity"`
	UnitPrice ddb.Money `dynamodbav:"unitPrice"`
}

type address struct {
	Name       string `dynamodbav:"name"`
	Line1      string `dynamodbav:"line1"`
	Line2      string `dynamodbav:"line2,omitempty"`
	City       string `dynamodbav:"city"`
	Region     string `dynamodbav:"region,omitempty"`
	PostalCode string `dynamodbav:"postalCode"`
	Country    string `dynamodbav:"country"`
}

type price struct {
	PK      string    `dynamodbav:"pk"`
	Amount  ddb.Money `dynamodbav:"price" write:"within"`
	Version int64     `dynamodbav:"version"`
}

var orderItems = ddb.Versioned[orders.Order, order]{
	Key: ddb.Under("order#", "order"), Missing: orders.ErrNoOrder, Encode: fromDomain,
	Decode: func(item order, _ string) orders.Order { return item.domain() },
}

var priceItems = ddb.Versioned[orders.Price, price]{
	Key:    ddb.Under("price#", "price"),
	Encode: func(p orders.Price) price { return price{Amount: ddb.Money(p.Price), Version: p.Version} },
	Decode: func(item price, _ string) orders.Price { return item.domain() },
}

func (item price) domain() orders.Price {
	return orders.Price{
		SKU: strings.TrimPrefix(item.PK, "price#"), Price: money.Money(item.Amount), Version: item.Version,
	}
}

func fromDomain(o orders.Order) order {
	item := order{
		Stamp:      ddb.Stamp{Version: o.Version, UpdatedAt: o.UpdatedAt},
		byCustomer: byCustomer{PK: "customer#" + o.CustomerID, SK: o.OrderID},
		OrderID:    o.OrderID, CustomerID: o.CustomerID, CustomerEmail: o.CustomerEmail,
		Status: string(o.Status), Reason: string(o.Reason),
		Total: ddb.Money(o.Total), ShippingAddress: address(o.ShippingAddress), PaymentMethod: o.PaymentMethod,
		CancelRequested: o.CancelRequested, CancelledBy: string(o.CancelRequestedBy), Closed: o.Closed,
		Detail: o.Detail, TrackingNumber: o.TrackingNumber, TrackingURL: o.TrackingURL, Reached: reached(o),
		ActionVersion: o.ActionVersion, CreatedAt: o.CreatedAt,
	}
	if o.NextAction != nil {
		item.ActionURL, item.ActionUntil = o.NextAction.URL, o.NextAction.Until.UnixMilli()
	}
	switch o.Status {
	case orders.StatusPending:
		item.Opened = ddb.OpenSince(o.OrderID, o.CreatedAt)
	case orders.StatusNeedsAttention:
		item.Opened = ddb.OpenIn(attention, o.OrderID, o.CreatedAt)
	}
	for _, s := range o.Shortages {
		item.Shortages = append(item.Shortages, strconv.Itoa(s.Missing)+" "+s.SKU)
	}
	for _, c := range o.Changes {
		item.Changes = append(item.Changes, change(c))
	}
	for _, i := range o.Items {
		item.Items = append(item.Items, line{i.SKU, i.Quantity, ddb.Money(i.UnitPrice)})
	}
	return item
}

func (item order) domain() orders.Order {
	o := orders.Order{
		OrderID: item.OrderID, CustomerID: item.CustomerID, CustomerEmail: item.CustomerEmail,
		Status: orders.Status(item.Status), Reason: orders.Reason(item.Reason),
		Total: money.Money(item.Total), ShippingAddress: contract.Address(item.ShippingAddress),
		PaymentMethod:   item.PaymentMethod,
		CancelRequested: item.CancelRequested, CancelRequestedBy: orders.Requester(item.CancelledBy),
		Closed: item.Closed, Detail: item.Detail, TrackingNumber: item.TrackingNumber,
		TrackingURL: item.TrackingURL, Milestones: milestones(item), ActionVersion: item.ActionVersion,
		Version: item.Version, CreatedAt: item.CreatedAt, UpdatedAt: item.UpdatedAt,
	}
	if item.ActionURL != "" {
		o.NextAction = &orders.NextAction{URL: item.ActionURL, Until: time.UnixMilli(item.ActionUntil).UTC()}
	}
	for _, text := range item.Shortages {
		missing, sku, _ := strings.Cut(text, " ")
		n, _ := strconv.Atoi(missing) // as it was written
		o.Shortages = append(o.Shortages, orders.Shortage{SKU: sku, Missing: n})
	}
	for _, c := range item.Changes {
		o.Changes = append(o.Changes, orders.Change(c))
	}
	for _, l := range item.Items {
		o.Items = append(o.Items, contract.Item{SKU: l.SKU, Quantity: l.Quantity, UnitPrice: money.Money(l.UnitPrice)})
	}
	return o
}

// decodeAll decodes items of one type and converts them.
func decodeAll[T, Out any](items []ddb.Values, convert func(T) Out) ([]Out, error) {
	all, err := ddb.DecodeAll[T](items, nil)
	if err != nil {
		return nil, err
	}
	converted := make([]Out, len(all))
	for i, item := range all {
		converted[i] = convert(item)
	}
	return converted, nil
}
