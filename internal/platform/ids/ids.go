// Package ids makes identifiers of orders, events and so on: ULIDs, which sort by creation time.
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

// Random returns an unpredictable source that is safe for concurrent use.
func Random(c clock.Clock) Source { return source{clock: c, entropy: rand.Reader} }

func (s source) New() string {
	id, err := ulid.New(ulid.Timestamp(s.clock.Now()), s.entropy)
	if err != nil { // only for a clock beyond the range of ULIDs; crypto/rand never fails
		return ulid.Make().String()
	}
	return id.String()
}

// Sequence is a predictable source for tests and examples. Its identifiers count up.
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

// Valid reports whether s is an identifier in upper case. In lower case it would be another key.
func Valid(s string) bool {
	id, err := ulid.ParseStrict(s)
	return err == nil && id.String() == s
}
