package orders

import (
	"context"
	"fmt"
	"strings"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
)

// The size of an order.
const (
	maxLines    = 40
	maxQuantity = 999
)

// Line is what a customer wants of one product.
type Line struct {
	SKU      string
	Quantity int
}

// Placement is an order to be placed.
type Placement struct {
	CustomerID      string
	CustomerEmail   string
	Lines           []Line
	ShippingAddress contract.Address
	PaymentMethod   string
	// ExpectedTotal is what the customer agreed to pay; nil where they did not say.
	ExpectedTotal *money.Money
}

// PlaceOrder writes down an order with the prices of the price book, and the event from which its fulfilment
// starts. replayed says that the order was placed by an earlier request with the same key. It fails with ErrPostalCode,
// ErrLines, ErrDuplicateSKU, ErrUnknownSKU, money.ErrCurrency (lines in different currencies), money.ErrOverflow,
// ErrTotalChanged, which carries the present total, or with ErrTooManyOrders or ErrTooManyDeclines for a customer at a limit.
func (s *Service) PlaceOrder(ctx context.Context, req idempotency.Request, in Placement) (o Order, replayed bool, err error) {
	return idempotency.Do(ctx, s.store, req, func(ctx context.Context, once idempotency.Once) (Order, error) {
		to, err := deliverable(in.ShippingAddress)
		if err != nil {
			return Order{}, err
		}
		items, total, err := s.priced(ctx, in.Lines)
		if err != nil {
			return Order{}, err
		}
		if in.ExpectedTotal != nil && *in.ExpectedTotal != total {
			return Order{}, changed(total)
		}
		now := s.clock.Now()
		o := Order{
			OrderID: s.ids.New(), CustomerID: in.CustomerID, CustomerEmail: in.CustomerEmail, Status: StatusPending,
			Items: items, Total: total, ShippingAddress: to, PaymentMethod: in.PaymentMethod,
			Version: 1, CreatedAt: now, UpdatedAt: now,
		}
		created := s.events.New(ctx, contract.OrderCreated, o.OrderID, o.Version, o.created())
		return o, s.put(ctx, o, commit.With{Reply: once.Returning(o), Events: []envelope.Event{created}})
	})
}

// changed is ErrTotalChanged with the total that the order would have now.
func changed(total money.Money) error {
	return ErrTotalChanged.Detailf("the order costs %s now; nothing was ordered. If you agree, send it again with this total", total).With("total", total)
}

// created is all that fulfilling the order takes.
func (o Order) created() contract.Created {
	return contract.Created{
		OrderID: o.OrderID, CustomerID: o.CustomerID, CustomerEmail: o.CustomerEmail, Items: o.Items, Total: o.Total,
		PaymentMethod: o.PaymentMethod, ShippingAddress: o.ShippingAddress,
	}
}

// priced puts the prices of the price book to the lines and adds them up.
func (s *Service) priced(ctx context.Context, lines []Line) ([]contract.Item, money.Money, error) {
	var total money.Money
	skus, err := distinct(lines)
	if err != nil {
		return nil, total, err
	}
	prices, err := s.store.Prices(ctx, skus)
	if err != nil {
		return nil, total, err
	}
	var unknown []string
	items := make([]contract.Item, 0, len(lines))
	for i, l := range lines {
		p, ok := prices[l.SKU]
		if !ok {
			unknown = append(unknown, fmt.Sprint(i+1))
			continue
		}
		items = append(items, contract.Item{SKU: l.SKU, Quantity: l.Quantity, UnitPrice: p.Price})
	}
	if len(unknown) > 0 { // answers never repeat what was sent, hence positions
		return nil, total, ErrUnknownSKU.Detailf("unknown SKU in lines %s", strings.Join(unknown, ", "))
	}
	for _, item := range items {
		price, err := item.UnitPrice.Times(item.Quantity)
		if err != nil {
			return nil, total, err
		}
		if total, err = total.Add(price); err != nil {
			return nil, total, err
		}
	}
	return items, total, nil
}

// distinct returns the SKUs of lines, of which each must stand in one line only.
func distinct(lines []Line) ([]string, error) {
	if len(lines) < 1 || len(lines) > maxLines {
		return nil, ErrLines
	}
	first := map[string]int{}
	skus := make([]string, 0, len(lines))
	for i, l := range lines {
		if l.Quantity < 1 || l.Quantity > maxQuantity {
			return nil, ErrLines
		}
		if j, again := first[l.SKU]; again {
			return nil, ErrDuplicateSKU.Detailf("lines %d and %d name the same SKU", j+1, i+1)
		}
		first[l.SKU] = i
		skus = append(skus, l.SKU)
	}
	return skus, nil
}
