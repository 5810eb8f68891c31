package inventory

import (
	"cmp"
	"context"
	"errors"
	"hash/crc32"
	"slices"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Shard is one of the items that hold a product's stock. Orders that write different shards do not
// conflict.
type Shard struct {
	Stock
	// Gains counts how often the shard got available units, or took part in an adjustment; shard 0
	// takes part in all of them. Between two reads with equal Gains, available units can only have
	// fallen. Between two equal reads, nothing has changed.
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

// ShardAt returns the nth shard of a product, or an empty one if it does not exist.
func ShardAt(shards []Shard, n int, sku string) Shard {
	if n < len(shards) {
		return shards[n]
	}
	return Shard{Stock: Stock{SKU: sku}}
}

// Part is the part of a line that a shard holds, or held until a merge.
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

// Blocked is the error of a Move that a shard of one product blocks.
type Blocked struct {
	SKU string
	Err error
}

// Error returns the reason's text.
func (b *Blocked) Error() string { return b.Err.Error() }

// Unwrap returns ErrOutOfStock or ErrContended.
func (b *Blocked) Unwrap() error { return b.Err }

// AllBlocked returns the Blocked in err, one for each product.
func AllBlocked(err error) (all []*Blocked) {
	var b *Blocked
	if several, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // what errors.Join returned
		for _, one := range several.Unwrap() {
			all = append(all, AllBlocked(one)...)
		}
		return slices.CompactFunc(all, func(a, b *Blocked) bool { return a.SKU == b.SKU })
	}
	if errors.As(err, &b) {
		all = append(all, b)
	}
	return all
}

const (
	// maxShards lets about a thousand orders a second reserve one product; see docs/adr/0055.
	maxShards = 16
	// perShard is the minimum number of units that justifies a shard.
	perShard = 4
	// tries bounds the attempts of a move, looks the attempts of a read. After that the caller's
	// own retry takes over.
	tries, looks = 8, 8
	// maxParts leaves room for the records in a transaction of 100 writes.
	maxParts = 90
)

// take reserves the lines of r. At first, it takes them from the shards that the order's id
// selects.
func (s *Service) take(ctx context.Context, r Reservation, with commit.With) error {
	at := start(r)
	for _, l := range r.Items {
		n, _ := s.split.LoadOrStore(l.SKU, 1)
		r.Parts = append(r.Parts, Part{l.SKU, at % n.(int), l.Quantity})
	}
	return s.move(ctx, r, Available, Reserved, with)
}

// start returns the shard at which a reservation begins to look for units.
func start(r Reservation) int { return int(crc32.ChecksumIEEE([]byte(r.OrderID)) % maxShards) }

// move moves the units of r between two buckets. They may be in other shards than r's parts say: a
// merge has moved them, or another order was faster. Then it reads all shards of that product.
func (s *Service) move(ctx context.Context, r Reservation, from, to Bucket, with commit.With) error {
	at := start(r)
	parts := map[string][]Part{}
	for _, p := range r.Held() {
		parts[p.SKU] = append(parts[p.SKU], p)
	}
	contended := map[string]bool{}
	for range tries {
		var err error
		if r.Parts, err = s.fit(ctx, r.Items, parts, from); err != nil {
			return err
		}
		err = s.store.Move(ctx, r, from, to, with)
		blocked := AllBlocked(err)
		if len(blocked) == 0 {
			return err
		}
		at++ // others may have been sent to this order's shard
		var short Shortages
		for _, b := range blocked {
			line := r.Items[slices.IndexFunc(r.Items, func(l contract.Line) bool { return l.SKU == b.SKU })]
			shards, err := s.enough(ctx, line, from)
			var lacks Shortages
			if errors.As(err, &lacks) { // find the other lines that are short
				short = append(short, lacks...)
				continue
			}
			if err != nil {
				return err
			}
			if errors.Is(b, ErrContended) {
				if contended[line.SKU] {
					shards = s.grow(ctx, shards)
				}
				contended[line.SKU] = true
			}
			s.split.Store(line.SKU, len(shards))
			parts[line.SKU] = choose(shards, from, line.Quantity, at)
		}
		if len(short) > 0 {
			return short
		}
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

// choose takes a quantity from shards that have it in a bucket: from one if possible, beginning at
// one, else from as few as possible.
func choose(shards []Shard, from Bucket, quantity, at int) (parts []Part) {
	sku := shards[0].SKU
	for i := range shards {
		if n := (at + i) % len(shards); shards[n].In(from) >= quantity {
			return []Part{{sku, n, quantity}}
		}
	}
	largest := make([]Part, len(shards))
	for n, s := range shards {
		largest[n] = Part{sku, n, s.In(from)}
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

// fit returns the parts in the order of the lines. If they do not fit into one transaction, it
// gathers the lines that take the most.
func (s *Service) fit(
	ctx context.Context, lines []contract.Line, parts map[string][]Part, from Bucket,
) ([]Part, error) {
	for range lines {
		all := inOrder(lines, parts)
		if len(all) <= maxParts {
			return all, nil
		}
		line := slices.MaxFunc(lines, func(a, b contract.Line) int {
			return cmp.Compare(len(parts[a.SKU]), len(parts[b.SKU]))
		})
		if err := s.gather(ctx, line, from); err != nil {
			return nil, err
		}
		parts[line.SKU] = []Part{{line.SKU, 0, line.Quantity}}
	}
	return inOrder(lines, parts), nil
}

// gather moves units of a bucket into shard 0, so that it has enough for a line.
func (s *Service) gather(ctx context.Context, line contract.Line, bucket Bucket) error {
	for range looks {
		shards, err := s.enough(ctx, line, bucket)
		if err != nil {
			return err
		}
		after := slices.Clone(shards)
		for _, p := range choose(shards, bucket, line.Quantity, 0) {
			*after[p.Shard].Of(bucket) -= p.Quantity
			*after[0].Of(bucket) += p.Quantity
		}
		if err = s.store.Shift(ctx, shards, after, commit.With{}); !overtaken(err) {
			return err
		}
	}
	return ErrContended
}

// overtaken reports whether others wrote a product's shards first, so that reading them again may
// help.
func overtaken(err error) bool {
	return errors.Is(err, ErrContended) || errors.Is(err, fault.ErrLostRace)
}

// enough returns the shards of a product if they have enough for a line in a bucket. For available
// units it returns Shortages if they were not enough at some instant. For several shards that takes
// two reads: if no shard gained in between, the first read did not miss any unit. Units that an
// order holds always exist, in some shard.
func (s *Service) enough(ctx context.Context, line contract.Line, from Bucket) ([]Shard, error) {
	var before []Shard
	for range looks {
		shards, err := s.store.Shards(ctx, line.SKU)
		if errors.Is(err, ErrNoStock) {
			return nil, Shortages{line}
		}
		if err != nil || Whole(shards).In(from) >= line.Quantity {
			return shards, err
		}
		sameGains := func(a, b Shard) bool { return a.Gains == b.Gains }
		if from == Available && (len(shards) == 1 || slices.EqualFunc(before, shards, sameGains)) {
			return nil, Shortages{{SKU: line.SKU, Quantity: line.Quantity - Whole(shards).In(from)}}
		}
		before = shards
	}
	return nil, ErrContended
}

// snapshot returns a product's shards as they were at one instant: two reads agree. If orders keep
// writing them, moving is true: the sum of the buckets is that of one instant, since shard 0 gains
// whenever units are added, removed or change their shard; but each shard is read at a different
// moment.
func (s *Service) snapshot(ctx context.Context, sku string) (shards []Shard, moving bool, err error) {
	var before, summed []Shard
	for range looks {
		shards, err := s.store.Shards(ctx, sku)
		if err != nil || len(shards) == 1 || slices.Equal(before, shards) {
			return shards, false, err
		}
		if before != nil && before[0].Gains == shards[0].Gains {
			summed = before
		}
		before = shards
	}
	if summed == nil {
		return nil, false, ErrContended
	}
	return summed, true, nil
}

// grow spreads a product's units evenly over as many shards as are worthwhile, and returns its
// shards. If others are faster, the caller will notice and read the shards again.
func (s *Service) grow(ctx context.Context, shards []Shard) []Shard {
	available := Whole(shards).Available
	n := max(len(shards), min(maxShards, available/perShard))
	lopsided := slices.ContainsFunc(shards, func(s Shard) bool { return s.Available > 2*(available/n)+1 })
	if s.whole || n == len(shards) && !lopsided {
		return shards
	}
	grown := spread(shards, 0, n)
	if err := s.store.Shift(ctx, shards, grown, commit.With{}); err != nil {
		return shards
	}
	return grown
}

// spread returns n shards of a product with delta more available units in total, evenly divided.
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
