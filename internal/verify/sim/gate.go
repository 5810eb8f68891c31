package sim

import (
	"sync"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

// gate controls one service's store; see memdb.Gate. It records commits in the world's history and
// adds their events to the table's stream.
type gate struct {
	w       *World
	service string
}

// Look takes its time.
func (g gate) Look() { g.w.breathe() }

// Find takes its time and may fail.
func (g gate) Find() error {
	g.w.breathe()
	return g.w.fails(readRefused)
}

// Commit may fail, crash before or after the write, or lose its answer.
func (g gate) Commit(with commit.With, write func(commit.With) error) error {
	w := g.w
	with.Events = w.versions.published(with.Events)
	var sent *mail
	if w.running != nil { // the first write after a mail records it
		sent, w.running.mail = w.running.mail, nil
	}
	w.breathe()
	w.crash(crashBefore)
	if err := w.fails(writeRefused); err != nil {
		return err
	}
	if err := g.commit(with, write); err != nil {
		if err == fault.ErrLostRace { //nolint:errorlint // stores return it bare
			w.reach("a lost race was decided again")
		}
		return err
	}
	if sent != nil {
		sent.settled = true
	}
	w.crash(crashAfter)
	return w.fails(writeUnheard)
}

// Saved returns the unknown attributes as the running version of the code leaves them.
func (g gate) Saved(kind, key string, unknown memdb.Unknown) memdb.Unknown {
	return g.w.versions.saved(stored{g.service, kind, key}, unknown)
}

// commit writes and records the commit, unless a mutant replaces it.
func (g gate) commit(with commit.With, write func(commit.With) error) error {
	once := sync.OnceFunc(func() {
		g.w.history.committed(g.service, with)
		g.w.publishFromStream(g.service, with.Events)
	})
	take := func(part commit.With) error {
		err := write(part)
		if err == nil {
			once()
		}
		return err
	}
	if g.w.mutant.commit != nil {
		return g.w.mutant.commit(g, with, take)
	}
	return take(with)
}

// publishFromStream adds the outbox items of a commit to the table's stream.
func (w *World) publishFromStream(service string, events []envelope.Event) {
	for _, e := range events {
		w.note(e.Subject, "%s writes %s", service, e.Type)
	}
	if s := w.streams[service]; s != nil && len(events) > 0 && !w.mutant.withoutStream {
		s.append(events)
	}
}
