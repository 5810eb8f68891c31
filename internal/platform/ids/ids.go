// Package ids makes the identifiers of orders, events and the like: ULIDs, which
// sort by the time they were made.
package ids

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"sync"

	"github.com/oklog/ulid/v2"

	"orderflow/internal/platform/clock"
)

// Source makes identifiers of 26 characters.
type Source interface{ New() string }

type source struct {
	clock   clock.Clock
	entropy io.Reader
}

// Random returns a source that is unpredictable and safe for concurrent use.
func Random(c clock.Clock) Source { return source{clock: c, entropy: rand.Reader} }

func (s source) New() string {
	id, err := ulid.New(ulid.Timestamp(s.clock.Now()), s.entropy)
	if err != nil { // crypto/rand never fails; a year-10889 clock would
		return ulid.Make().String()
	}
	return id.String()
}

// Sequence is a predictable source for tests and examples: its identifiers count up.
type Sequence struct {
	mu sync.Mutex
	n  uint64
}

// New returns the next identifier.
func (s *Sequence) New() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	var id ulid.ULID
	binary.BigEndian.PutUint64(id[8:], s.n)
	return id.String()
}

// Valid reports whether s has the form of an identifier, in capitals: as a key the same letters small are another one.
func Valid(s string) bool {
	id, err := ulid.ParseStrict(s)
	return err == nil && id.String() == s
}
