package sim

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/platform/clock"
)

// chance is the world's only source of randomness.
type chance struct{ *rand.Rand }

func newChance(seed uint64) *chance {
	return &chance{rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // must be predictable
}

// one picks an element.
func one[T any](c *chance, from []T) T { return from[c.IntN(len(from))] }

// identifiers makes ULIDs from virtual time; see ids.Source.
type identifiers struct {
	clock  clock.Clock
	chance *chance
}

// New returns the next identifier.
func (s identifiers) New() string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(s.clock.Now())) // fails after the year 10889
	for i := 6; i < len(id); i++ {
		id[i] = byte(s.chance.IntN(256)) //nolint:gosec // fits
	}
	return id.String()
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
