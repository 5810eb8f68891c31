package reporting

import (
	"cmp"
	"context"
	"time"

	"orderflow/internal/platform/fault"
)

// Errors of a write whose conditions do not hold.
var (
	// ErrOvertaken: the partition's offset or an order's facts have changed. Read again.
	ErrOvertaken = fault.New(fault.Transient, "Overtaken", "another invocation has projected these records")
	// ErrClosed: the generation takes no more records, since another one is current. Read again
	// which.
	ErrClosed = fault.New(fault.Transient, "GenerationClosed", "another generation serves now")
	// ErrUnstorable: the store can never hold the write.
	ErrUnstorable = fault.New(fault.Internal, "UnstorableRecord", "the table does not take what the record tells")
)

// Source is a partition of the log.
type Source struct {
	Topic     string
	Partition int32
}

// Compare orders sources by topic and partition.
func (s Source) Compare(other Source) int {
	return cmp.Or(cmp.Compare(s.Topic, other.Topic), cmp.Compare(s.Partition, other.Partition))
}

// Progress is how far a generation has read a source.
type Progress struct {
	Source
	// Next is the offset of the first record that the generation does not include.
	Next int64
	// At is when the newest included record was appended; zero if that is not known.
	At time.Time
	// Closed generations include no more.
	Closed bool
}

// Parked is a record that cannot be understood, or that the store cannot hold.
type Parked struct {
	Source
	Offset int64
	Reason string
	At     time.Time
}

// Write is the effect of records of a source. It is written in one transaction, or not at all.
type Write struct {
	Generation int64
	Source     Source
	// From and To are the source's offsets before and after the records. To is not after From if
	// the topic was recreated. The transaction's condition is that the generation has read up to
	// From and is not closed. So the write of a repeated batch, or of an overtaken invocation,
	// fails without effect.
	//
	// The first write of a source, from offset 0, also raises Generations.Version, and fails unless
	// the generation is current or the newest. So no switch misses a source.
	From, To int64
	// At is when the newest record that the generation then includes was appended.
	At time.Time
	// Facts are the next versions of orders' facts.
	Facts []Facts
	// Rows are added to the rows of the generation.
	Rows   Rows
	Parked []Parked
}

const (
	// MaxActions is how many items a Write may have: DynamoDB's limit for a transaction, less two
	// for its offset and the generations.
	MaxActions = 98
	// MaxSources is how many sources a Switch can close: DynamoDB's limit for a transaction, less
	// one for the generations.
	MaxSources = 99
)

// State is the state of a rebuild.
type State string

// States of a rebuild. SWITCHED generations serve; the one before is then removed.
const (
	Building State = "BUILDING"
	Stopped  State = "STOPPED"
	Switched State = "SWITCHED"
	Done     State = "DONE"
)

// Generations says which generation of the rows is current, and which is being built.
type Generations struct {
	// Serving is the current generation: it answers, and project-sales adds to it. The first one is
	// 1.
	Serving int64
	// Since is the time from which the current generation has the whole history: records before it
	// were no longer in the log. It is zero if none are missing.
	Since time.Time
	// Anew is when the first record was appended to a topic that had been deleted and recreated:
	// the log has lost the topic's earlier records. It is the time of the last such topic, or zero.
	Anew    time.Time
	Rebuild *Rebuild
	// Removed is the last generation that was removed, with all before it.
	Removed int64
	Version int64
}

// Rebuild is the last rebuild.
type Rebuild struct {
	Generation int64
	// Run numbers the executions of the state machine: the first, and one more each time that the
	// rebuild is resumed.
	Run       int64
	State     State
	By        string // the operator
	StartedAt time.Time
	UpdatedAt time.Time
	// Read and Total are the numbers of records read so far, and in the log when last looked at.
	Read, Total int64
	// Since will be Generations.Since.
	Since time.Time
}

// Range selects rows of a report by day, both ends included.
type Range struct {
	Report   Report
	From, To string
}

// Row is a row of a report.
type Row struct {
	RowID
	Amounts Amounts
}

// Store keeps the generations, their rows and facts, and how far each has read the log.
type Store interface {
	// Generations returns the generations; before the first write, 1 is current.
	Generations(ctx context.Context) (Generations, error)
	// SaveGenerations writes g, which must be one version after what is stored, else it fails with
	// ErrOvertaken.
	SaveGenerations(ctx context.Context, g Generations) error
	// Switch is SaveGenerations that also closes the generation that served until now, in the same
	// transaction. seen is what Sources returned for it, and must still be its progress, else
	// Switch fails with ErrOvertaken.
	Switch(ctx context.Context, g Generations, closing int64, seen []Progress) error
	// Progress returns how far a generation has read a source.
	Progress(ctx context.Context, generation int64, of Source) (Progress, error)
	// Sources returns how far a generation has read each source of which it has read anything,
	// sorted.
	Sources(ctx context.Context, generation int64) ([]Progress, error)
	// Facts returns the facts of up to 100 orders; orders without facts are left out.
	Facts(ctx context.Context, generation int64, orderIDs []string) (map[string]Facts, error)
	// Apply writes w. It fails with ErrOvertaken or ErrClosed if a condition does not hold, and
	// with ErrUnstorable if w has too many items, or one that is too large.
	Apply(ctx context.Context, w Write) error
	// ReadRows returns rows, sorted, without rows whose amounts are all 0: at most as many as asked
	// for, from the one after a row on, or from the first on if after is the zero RowID.
	ReadRows(ctx context.Context, generation int64, r Range, after RowID, most int) ([]Row, error)
	// ReadParked returns up to limit parked records of a generation, the newest first, and the next
	// page's cursor, "" after the last page. cursor is "" or from an earlier call for this
	// generation; any other gets fault.ErrCursor.
	ReadParked(ctx context.Context, generation int64, limit int, cursor string) ([]Parked, string, error)
	// Remove deletes a generation that neither serves nor is being built, as much as fits into a
	// few requests. It returns false when nothing is left. It deletes the progress first, so that a
	// late Write fails with ErrClosed and adds nothing.
	Remove(ctx context.Context, generation int64) (more bool, err error)
}
