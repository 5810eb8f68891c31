package inventory

import (
	"context"
	"errors"
	"slices"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// Stock is the number of a product's units in each bucket. Its JSON is stored in replies, where
// available stock is still called onHand; see docs/adr/0037.
type Stock struct {
	SKU       string `json:"sku"`
	Available int    `json:"onHand"`
	Reserved  int    `json:"reserved"`
	Shipped   int    `json:"shipped"`
	// Moving says that orders moved units while they were counted: the sum of the buckets is exact,
	// and each bucket is that of a moment during the count.
	Moving bool `json:"moving,omitempty"`
}

// Bucket is the state of a unit of stock.
type Bucket string

// The three buckets. Available and reserved units are on hand; shipped ones have left the
// warehouse.
const (
	Available Bucket = "available"
	Reserved  Bucket = "reserved"
	Shipped   Bucket = "shipped"
)

// Buckets are all buckets.
var Buckets = []Bucket{Available, Reserved, Shipped}

// Of returns the number of units in a bucket, to be changed.
func (s *Stock) Of(b Bucket) *int {
	switch b {
	case Reserved:
		return &s.Reserved
	case Shipped:
		return &s.Shipped
	default:
		return &s.Available
	}
}

// In returns the number of units in a bucket.
func (s Stock) In(b Bucket) int { return *s.Of(b) }

// OnHand returns the number of units in the warehouse.
func (s Stock) OnHand() int { return s.Available + s.Reserved }

// GetStock returns the stock of a product, or ErrNoStock.
func (s *Service) GetStock(ctx context.Context, sku string) (Stock, error) {
	shards, moving, err := s.snapshot(ctx, sku)
	sum := Whole(shards)
	sum.Moving = moving
	return sum, err
}

// Adjustment is an operator's correction of stock.
type Adjustment struct {
	contract.Adjusted
	// AllowUnknownSKU accepts a SKU that the catalog does not have.
	AllowUnknownSKU bool `json:"allowUnknownSku"`
}

// AdjustStock adds a.Delta, which may be negative, to the quantity on hand of a product, and
// returns the new stock. Reserved stock is not changed. A SKU without stock must be a product of
// the catalog; otherwise it returns ErrUnknownSKU, since nobody could order the stock of a misspelt
// SKU. The event records who did it and why.
//
// If orders keep writing the product, the new stock is Moving.
func (s *Service) AdjustStock(ctx context.Context, req idempotency.Request, a Adjustment) (Stock, bool, error) {
	return idempotency.Do(ctx, s.store, req, func(ctx context.Context, once idempotency.Once) (Stock, error) {
		before, err := s.store.Shards(ctx, a.SKU)
		if errors.Is(err, ErrNoStock) {
			before, err = []Shard{{Stock: Stock{SKU: a.SKU}}}, s.requireProduct(ctx, a)
		}
		if err == nil && Whole(before).Available+a.Delta < 0 {
			before, err = s.enough(ctx, contract.Line{SKU: a.SKU, Quantity: -a.Delta}, Available)
		}
		if errors.Is(err, ErrOutOfStock) {
			err = ErrBelowZero
		}
		if err != nil {
			return Stock{}, err
		}
		// Stock has no version. The time serves as one, since adjustments are rare.
		e := s.events.New(ctx, contract.StockAdjusted, a.SKU, s.clock.Now().UnixMicro(), a.Adjusted)
		with := func(stock Stock) commit.With {
			return commit.With{Reply: once.Returning(stock), Events: []envelope.Event{e}}
		}
		after := spread(before, a.Delta, len(before))
		err = s.store.Adjust(ctx, before, after, with(Whole(after)))
		lost := errors.Is(err, fault.ErrLostRace) && len(before) > 1 // a whole product is adjusted exactly
		if !lost && !errors.Is(err, ErrContended) {
			return Whole(after), err
		}
		sum := Stock{}
		for range looks {
			if sum, err = s.adjustMoving(ctx, a.SKU, a.Delta, with); !errors.Is(err, ErrContended) {
				break
			}
		}
		return sum, err
	})
}

// adjustMoving adjusts a product that orders keep writing. It writes as few shards as possible, and
// allows for the orders' changes.
func (s *Service) adjustMoving(
	ctx context.Context, sku string, delta int, with func(Stock) commit.With,
) (Stock, error) {
	before, _, err := s.snapshot(ctx, sku)
	if errors.Is(err, ErrNoStock) {
		err = ErrContended // only a new adjustment creates it
	}
	if err != nil {
		return Stock{}, err
	}
	sum := Whole(before)
	if sum.Available+delta < 0 {
		return Stock{}, fault.ErrLostRace // which proves the shortage, or finds more
	}
	after := slices.Clone(before)
	if delta > 0 {
		after[0].Available += delta
	} else {
		for _, p := range choose(before, Available, -delta, 0) {
			after[p.Shard].Available -= p.Quantity
		}
	}
	sum.Available, sum.Moving = sum.Available+delta, true
	return sum, s.store.Shift(ctx, before, after, with(sum))
}

// requireProduct returns ErrUnknownSKU if the catalog does not have the SKU, unless that is
// allowed.
func (s *Service) requireProduct(ctx context.Context, a Adjustment) error {
	if a.AllowUnknownSKU {
		return nil
	}
	known, err := s.store.Product(ctx, a.SKU)
	if err == nil && !known {
		err = ErrUnknownSKU
	}
	return err
}
