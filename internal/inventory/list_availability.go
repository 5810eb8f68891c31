package inventory

import (
	"context"
	"time"
)

// Availability is what customers are told of a product's stock. It promises nothing: a reservation
// decides.
type Availability struct {
	SKU    string
	Status AvailabilityStatus
	// AsOf is when the stock was read.
	AsOf time.Time
}

// AvailabilityStatus says how much of a product is available.
type AvailabilityStatus string

// The statuses. Exact quantities are for operators.
const (
	InStock    AvailabilityStatus = "IN_STOCK"
	Low        AvailabilityStatus = "LOW"
	OutOfStock AvailabilityStatus = "OUT_OF_STOCK"
)

// plenty is the fewest available units of a product that is IN_STOCK.
const plenty = 10

// ListAvailability returns the availability of up to 50 distinct SKUs, in their order. A SKU
// without stock is OUT_OF_STOCK, for that is how its order would end.
//
// While a product is split or merged, units may be counted in two shards or in none.
func (s *Service) ListAvailability(ctx context.Context, skus []string) ([]Availability, error) {
	found, err := s.store.CountAvailable(ctx, skus, plenty)
	if err != nil {
		return nil, err
	}
	all := make([]Availability, len(skus))
	for i, sku := range skus {
		all[i] = Availability{SKU: sku, Status: statusOf(found[sku]), AsOf: s.clock.Now()}
	}
	return all, nil
}

func statusOf(available int) AvailabilityStatus {
	switch {
	case available >= plenty:
		return InStock
	case available > 0:
		return Low
	default:
		return OutOfStock
	}
}
