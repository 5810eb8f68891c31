package inventory

import (
	"cmp"
	"context"
	"errors"
	"hash/crc32"
	"slices"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
)

// Shard is one of the items that hold a product's stock. Orders that write different shards do not
// conflict.
type Shard struct {
	Stock
	// Gains counts how often the shard got available units, or was adjusted. Available units only
	// fall between two reads with equal Gains. Between two equal reads nothing happened.
	Gains int64
}

// Whole returns the sum of a product's shards.
func Whole(shards []Shard) (sum Stock) {
	for _, s := range shards {
		sum.SKU = s.SKU
		sum.Available += s.Available
		sum.Reserved += s.Reserved
		sum.Shipped += s.Shipped
	}
	return sum
}

// Part is the part of a line that a shard holds.
type Part struct {
	SKU             string
	Shard, Quantity int
}

// Held returns the parts of a reservation. Without Parts, shard 0 holds all lines.
func (r Reservation) Held() []Part {
	if len(r.Parts) > 0 {
		return r.Parts
	}
	parts := make([]Part, len(r.Items))
	for i, l := range r.Items {
		parts[i] = Part{SKU: l.SKU, Quantity: l.Quantity}
	}
	return parts
}

// Blocked is the error of a Move that one product's shard blocks.
type Blocked struct {
	SKU string
	Err error
}

// Error returns the reason's text.
func (b *Blocked) Error() string { return b.Err.Error() }

// Unwrap returns ErrOutOfStock or ErrContended.
func (b *Blocked) Unwrap() error { return b.Err }

const (
	// maxShards lets about a thousand orders a second reserve one product; see docs/adr/0055.
	maxShards = 16
	// perShard is the fewest units for which a shard is worth having.
	perShard = 4
	// tries bounds the attempts of a reservation besides one per line, looks those of a read. After
	// that the caller's own retry takes over.
	tries, looks = 8, 8
	// maxParts leaves room for the records in a transaction of 100 writes.
	maxParts = 90
)

// take reserves the lines of r. Without knowing better, it takes them from the shards that the
// order's id selects. If one of these blocks it, it reads all shards of that product.
func (s *Service) take(ctx context.Context, r Reservation, with commit.With) error {
	at := int(crc32.ChecksumIEEE([]byte(r.OrderID)) % maxShards)
	parts := map[string][]Part{}
	for _, l := range r.Items {
		n, _ := s.split.LoadOrStore(l.SKU, 1)
		parts[l.SKU] = []Part{{l.SKU, at % n.(int), l.Quantity}}
	}
	contended := map[string]bool{}
	for range tries + len(r.Items) {
		if r.Parts = inOrder(r.Items, parts); len(r.Parts) > maxParts {
			return ErrContended
		}
		err := s.store.Move(ctx, r, Available, Reserved, with)
		var blocked *Blocked
		if !errors.As(err, &blocked) {
			return err
		}
		at++ // others go where this order was
		line := r.Items[slices.IndexFunc(r.Items, func(l contract.Line) bool { return l.SKU == blocked.SKU })]
		shards, err := s.enough(ctx, line)
		if err != nil {
			return err
		}
		if errors.Is(blocked, ErrContended) {
			if contended[line.SKU] {
				shards = s.grow(ctx, shards)
			}
			contended[line.SKU] = true
		}
		s.split.Store(line.SKU, len(shards))
		parts[line.SKU] = choose(shards, line.Quantity, at)
	}
	return ErrContended
}

// inOrder returns the parts in the order of the lines, nil if they are shard 0's.
func inOrder(lines []contract.Line, parts map[string][]Part) (all []Part) {
	split := false
	for _, l := range lines {
		all = append(all, parts[l.SKU]...)
		split = split || parts[l.SKU][0].Shard > 0 || len(parts[l.SKU]) > 1
	}
	if !split {
		return nil
	}
	return all
}

// choose takes a quantity from shards that have it: from one if possible, beginning at one, else
// from as few as possible.
func choose(shards []Shard, quantity, at int) (parts []Part) {
	sku := shards[0].SKU
	for i := range shards {
		if n := (at + i) % len(shards); shards[n].Available >= quantity {
			return []Part{{sku, n, quantity}}
		}
	}
	largest := make([]Part, len(shards))
	for n, s := range shards {
		largest[n] = Part{sku, n, s.Available}
	}
	slices.SortStableFunc(largest, func(a, b Part) int { return cmp.Compare(b.Quantity, a.Quantity) })
	for _, p := range largest {
		p.Quantity = min(p.Quantity, quantity)
		if quantity -= p.Quantity; p.Quantity > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// enough returns the shards of a product if they have enough for a line, or ErrOutOfStock if at
// some instant they had not. For several shards that takes two reads: if none gained in between,
// there was no more at the end of the first read than it found.
func (s *Service) enough(ctx context.Context, line contract.Line) ([]Shard, error) {
	var before []Shard
	for range looks {
		shards, err := s.store.Shards(ctx, line.SKU)
		if errors.Is(err, ErrNoStock) {
			return nil, ErrOutOfStock
		}
		if err != nil || Whole(shards).Available >= line.Quantity {
			return shards, err
		}
		sameGains := func(a, b Shard) bool { return a.Gains == b.Gains }
		if len(shards) == 1 || slices.EqualFunc(before, shards, sameGains) {
			return nil, ErrOutOfStock
		}
		before = shards
	}
	return nil, ErrContended
}

// snapshot returns a product's shards as they were at one instant: two reads agree.
func (s *Service) snapshot(ctx context.Context, sku string) ([]Shard, error) {
	var before []Shard
	for range looks {
		shards, err := s.store.Shards(ctx, sku)
		if err != nil || len(shards) == 1 || slices.Equal(before, shards) {
			return shards, err
		}
		before = shards
	}
	return nil, ErrContended
}

// grow splits a product into more shards, if that is worthwhile, and returns its shards. If others
// are faster, the caller meets them again and reads what they did.
func (s *Service) grow(ctx context.Context, shards []Shard) []Shard {
	n := min(maxShards, Whole(shards).Available/perShard)
	if s.whole || n <= len(shards) {
		return shards
	}
	grown := spread(shards, 0, n)
	if err := s.store.Adjust(ctx, shards, grown, commit.With{}); err != nil {
		return shards
	}
	return grown
}

// spread returns the shards of a product, n in number, with delta more available units in total,
// evenly divided.
func spread(shards []Shard, delta, n int) []Shard {
	available := Whole(shards).Available + delta
	after := slices.Clone(shards)
	for len(after) < n {
		after = append(after, Shard{Stock: Stock{SKU: shards[0].SKU}})
	}
	for i := range after {
		after[i].Available = available / n
		if i < available%n {
			after[i].Available++
		}
	}
	return after
}
