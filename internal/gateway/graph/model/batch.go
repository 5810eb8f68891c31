package model

import (
	"context"
	"slices"
	"sync"

	"orderflow/internal/gateway"
)

// largest is the most ids of one call, by the contract. Of a kind of part, atOnce calls run at a
// time.
const largest, atOnce = 50, 4

// Batch fetches the parts of several orders with one call for each kind of part: when the first
// order is asked for its payment, the payments of all are fetched.
type Batch struct {
	payments     part[gateway.Payment]
	reservations part[gateway.Reservations]
	shipments    part[gateway.Shipment]
	products     part[gateway.Product]
	available    part[gateway.Availability]
}

// NewBatch returns the batch of orders, and the orders as part of it.
func NewBatch(shop gateway.Shop, as gateway.Caller, orders []gateway.Order) []*Order {
	var ids, skus []string
	for _, o := range orders {
		ids = append(ids, o.OrderID)
		for _, l := range o.Items {
			skus = append(skus, l.SKU)
		}
	}
	slices.Sort(skus)
	skus = slices.Compact(skus)
	b := &Batch{
		payments:     newPart(ids, as, shop.Payments, func(p gateway.Payment) string { return p.OrderID }),
		reservations: newPart(ids, as, shop.Reservations, func(r gateway.Reservations) string { return r.OrderID }),
		shipments:    newPart(ids, as, shop.Shipments, func(s gateway.Shipment) string { return s.OrderID }),
		products:     newPart(skus, as, shop.ProductsBySKU, func(p gateway.Product) string { return p.SKU }),
		available:    availability(skus, as, shop),
	}
	all := make([]*Order, len(orders))
	for i, o := range orders {
		all[i] = &Order{o, b}
	}
	return all
}

// Payment returns an order's payment, or nil if it has none.
func (b *Batch) Payment(ctx context.Context, orderID string) (*gateway.Payment, error) {
	return b.payments.get(ctx, orderID)
}

// Reservations returns an order's reservations, or nil if it has none.
func (b *Batch) Reservations(ctx context.Context, orderID string) (*gateway.Reservations, error) {
	return b.reservations.get(ctx, orderID)
}

// Shipment returns an order's shipment, or nil if it has none.
func (b *Batch) Shipment(ctx context.Context, orderID string) (*gateway.Shipment, error) {
	return b.shipments.get(ctx, orderID)
}

// Product returns the product of a line, or nil if it is no longer sold.
func (b *Batch) Product(ctx context.Context, sku string) (*Product, error) {
	p, err := b.products.get(ctx, sku)
	if p == nil {
		return nil, err
	}
	return &Product{*p, &b.available}, err
}

// NewProducts returns products whose availability is fetched with one call, when the first of them
// is asked for it.
func NewProducts(shop gateway.Shop, as gateway.Caller, products []gateway.Product) []*Product {
	skus := make([]string, len(products))
	for i, p := range products {
		skus[i] = p.SKU
	}
	available := availability(skus, as, shop)
	all := make([]*Product, len(products))
	for i, p := range products {
		all[i] = &Product{p, &available}
	}
	return all
}

func availability(skus []string, as gateway.Caller, shop gateway.Shop) part[gateway.Availability] {
	return newPart(skus, as, shop.Availability, func(a gateway.Availability) string { return a.SKU })
}

// part is one kind of part of all orders of a batch.
type part[T any] struct {
	ids  []string
	load func(ctx context.Context, ids []string) ([]T, error)
	id   func(T) string

	once  *sync.Once
	mu    *sync.Mutex
	found map[string]*T
	errs  map[string]error
}

func newPart[T any](ids []string, as gateway.Caller,
	load func(ctx context.Context, as gateway.Caller, ids []string) ([]T, error), id func(T) string,
) part[T] {
	return part[T]{
		ids: ids, id: id, once: &sync.Once{}, mu: &sync.Mutex{}, found: map[string]*T{}, errs: map[string]error{},
		load: func(ctx context.Context, ids []string) ([]T, error) { return load(ctx, as, ids) },
	}
}

// get returns the part with an id. The first call fetches all of them. If a call fails, that is the
// error of its ids only.
func (p *part[T]) get(ctx context.Context, id string) (*T, error) {
	p.once.Do(func() {
		var calls sync.WaitGroup
		slots := make(chan struct{}, atOnce)
		for ids := range slices.Chunk(p.ids, largest) {
			slots <- struct{}{}
			calls.Go(func() {
				defer func() { <-slots }()
				p.fetch(ctx, ids)
			})
		}
		calls.Wait()
	})
	return p.found[id], p.errs[id]
}

func (p *part[T]) fetch(ctx context.Context, ids []string) {
	found, err := p.load(ctx, ids)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		for _, id := range ids {
			p.errs[id] = err
		}
		return
	}
	for _, v := range found {
		p.found[p.id(v)] = &v
	}
}
