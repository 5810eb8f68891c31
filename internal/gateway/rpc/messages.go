package rpc

import (
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway"
	"orderflow/internal/platform/money"
)

// defaultLimit is the size of a page without a limit, as in the REST API.
const defaultLimit = 20

func limit(given *int32) int {
	if given == nil {
		return defaultLimit
	}
	return int(*given)
}

func orderRequest(in *orderflowv1.PlaceOrderRequest) gateway.OrderRequest {
	to := in.GetShippingAddress()
	out := gateway.OrderRequest{
		Items: each(in.Items, func(l *orderflowv1.OrderRequestLine) gateway.OrderRequestLine {
			return gateway.OrderRequestLine{SKU: l.Sku, Quantity: int(l.Quantity)}
		}),
		ShippingAddress: gateway.AddressRequest{
			Name: to.GetName(), Line1: to.GetLine1(), City: to.GetCity(), Country: to.GetCountry(),
		},
		PaymentMethod: in.PaymentMethod,
	}
	if to != nil {
		out.ShippingAddress.Line2, out.ShippingAddress.Region = to.Line2, to.Region
		out.ShippingAddress.PostalCode = to.PostalCode
	}
	if in.ExpectedTotal != nil {
		total := amount(in.ExpectedTotal)
		out.ExpectedTotal = &total
	}
	return out
}

func order(o gateway.Order) *orderflowv1.Order {
	to := o.ShippingAddress
	return &orderflowv1.Order{
		OrderId: o.OrderID, Status: value[orderflowv1.OrderStatus](o.Status), Reason: o.Reason,
		Items: each(o.Items, func(l gateway.OrderLine) *orderflowv1.OrderLine {
			return &orderflowv1.OrderLine{Sku: l.SKU, Quantity: count(l.Quantity), UnitPrice: price(l.UnitPrice)}
		}),
		Total: price(o.Total),
		ShippingAddress: &orderflowv1.Address{
			Name: to.Name, Line1: to.Line1, Line2: to.Line2, City: to.City, Region: to.Region,
			PostalCode: to.PostalCode, Country: to.Country,
		},
		PaymentMethod: o.PaymentMethod, WaitedFor: o.WaitedFor, Shortages: each(o.Shortages, shortage),
		NextAction: nextAction(o.NextAction), CancelRequested: o.CancelRequested, TrackingNumber: o.TrackingNumber,
		TrackingUrl: o.TrackingURL, Progress: each(o.Progress, milestone),
		Version: o.Version, Changes: each(o.Changes, change),
		CreatedAt: timestamp(o.CreatedAt), UpdatedAt: timestamp(o.UpdatedAt),
	}
}

func nextAction(a *gateway.NextAction) *orderflowv1.NextAction {
	if a == nil {
		return nil
	}
	return &orderflowv1.NextAction{Type: a.Type, Url: a.URL, Until: timestamp(a.Until)}
}

func change(c gateway.OrderChange) *orderflowv1.OrderChange {
	return &orderflowv1.OrderChange{
		Version: c.Version, Status: value[orderflowv1.OrderStatus](c.Status), Reason: c.Reason, At: timestamp(c.At),
	}
}

func shortage(s gateway.Shortage) *orderflowv1.Shortage {
	return &orderflowv1.Shortage{Sku: s.SKU, Missing: count(s.Missing)}
}

func milestone(m gateway.Milestone) *orderflowv1.Milestone {
	return &orderflowv1.Milestone{Step: m.Step, At: timestamp(m.At)}
}

func payment(p gateway.Payment) *orderflowv1.Payment {
	out := &orderflowv1.Payment{
		OrderId: p.OrderID, Status: value[orderflowv1.PaymentStatus](p.Status), Amount: price(p.Amount),
		Reason: p.Reason,
	}
	if p.RefundedAmount != nil {
		out.RefundedAmount = price(*p.RefundedAmount)
	}
	if p.Dispute != nil {
		out.Dispute = value[orderflowv1.Dispute](*p.Dispute).Enum()
	}
	return out
}

func reservations(r gateway.Reservations) *orderflowv1.Reservations {
	return &orderflowv1.Reservations{
		OrderId: r.OrderID, Status: value[orderflowv1.ReservationStatus](r.Status),
		Items: each(r.Items, func(l gateway.ReservedLine) *orderflowv1.ReservedLine {
			return &orderflowv1.ReservedLine{Sku: l.SKU, Quantity: count(l.Quantity)}
		}),
	}
}

func shipment(s gateway.Shipment) *orderflowv1.Shipment {
	return &orderflowv1.Shipment{
		OrderId: s.OrderID, Status: value[orderflowv1.ShipmentStatus](s.Status),
		TrackingNumber: s.TrackingNumber, Reason: s.Reason,
	}
}

func product(p gateway.Product) *orderflowv1.Product {
	return &orderflowv1.Product{
		Sku: p.SKU, Name: p.Name, Price: price(p.Price), Version: p.Version,
		Text: p.Text, ImageUrl: p.ImageURL, Category: p.Category, Unlisted: p.Unlisted,
	}
}

func stock(s gateway.Stock) *orderflowv1.Stock {
	return &orderflowv1.Stock{
		Sku: s.SKU, OnHand: s.OnHand, Reserved: s.Reserved, Shipped: s.Shipped, Available: s.Available,
		Moving: s.Moving,
	}
}

func price(m money.Money) *orderflowv1.Money {
	return &orderflowv1.Money{Currency: m.Currency, Amount: m.Amount}
}

func amount(m *orderflowv1.Money) money.Money {
	return money.Money{Currency: m.GetCurrency(), Amount: m.GetAmount()}
}

// count is a quantity, which the contract bounds to 999.
func count(quantity int) int32 { return int32(quantity) } //nolint:gosec // see above

// timestamp returns nil for a text that is not a time.
func timestamp(text string) *timestamppb.Timestamp {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil
	}
	return timestamppb.New(t)
}

// An enum's values have the name of the enum before that in the REST contract: OrderStatus has
// ORDER_STATUS_PENDING for PENDING.
type enum interface {
	~int32
	protoreflect.Enum
}

// value returns UNSPECIFIED for a text that the enum lacks: the service may be newer.
func value[E enum](text string) (none E) {
	v := none.Descriptor().Values().ByName(protoreflect.Name(prefix(none) + text))
	if v == nil {
		return none
	}
	return E(v.Number())
}

// text returns "" for UNSPECIFIED. A number that the enum lacks is left to the service to refuse.
func text[E enum](e E) string {
	switch v := e.Descriptor().Values().ByNumber(e.Number()); {
	case v == nil:
		return strconv.Itoa(int(e))
	case v.Number() == 0:
		return ""
	default:
		return strings.TrimPrefix(string(v.Name()), prefix(e))
	}
}

func prefix[E enum](e E) string {
	return strings.TrimSuffix(string(e.Descriptor().Values().ByNumber(0).Name()), "UNSPECIFIED")
}

func each[In, Out any](in []In, out func(In) Out) []Out {
	all := make([]Out, len(in))
	for i, v := range in {
		all[i] = out(v)
	}
	return all
}
