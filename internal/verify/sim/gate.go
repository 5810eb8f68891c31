package sim

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"

	"orderflow/internal/fulfilment"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/rawjson"
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
		sent.settled = w.now
	}
	if w.running != nil {
		w.running.wrote = w.now
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
		g.publishFromStream(with.Events)
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

// publishFromStream adds the events of a commit to the table's stream. The newer version of the
// code writes them into an item of the change, the older one as items of their own.
func (g gate) publishFromStream(events []envelope.Event) {
	w := g.w
	for _, e := range events {
		w.note(e.Subject, "%s writes %s", g.service, e.Type)
	}
	s := w.streams[g.service]
	if s == nil || len(events) == 0 || w.mutant.withoutStream {
		return
	}
	items := w.running != nil && !w.running.newer
	if items {
		aside := outboxItems(events)
		must(0, g.unguarded(func(log *memdb.Log) error { return log.PutAside(context.Background(), aside) }))
	}
	s.append(events, items)
}

// unguarded calls the service's log without this gate.
func (g gate) unguarded(call func(*memdb.Log) error) error {
	log := g.w.logs[g.service]
	log.Guard(memdb.Open{})
	defer log.Guard(g)
	return call(log)
}

// more is the attribute of items and field of events that the newer version adds.
const more = "ofANewerVersion"

// versions runs two versions of the code side by side, as in a gradual release. Each invocation
// runs either of them. The newer one is today's code, but adds an attribute to every item and a
// field to every event that the older one does not know.
type versions struct {
	w      *World
	chance *rand.Rand // separate, so the rest of a run does not depend on versions
	writes int
	last   map[stored]string // last value of the newer version
}

type stored struct{ service, kind, key string }

func (i stored) String() string { return i.service + "'s " + i.kind + " " + i.key }

func newVersions(w *World, seed uint64) *versions {
	return &versions{w: w, chance: newChance(seed + 1), last: map[stored]string{}}
}

func (v *versions) newer() bool { return v.chance.IntN(2) == 0 }

// saved returns an item's unknown attributes after the running function has written it.
func (v *versions) saved(item stored, unknown memdb.Unknown) memdb.Unknown {
	v.compare(item, unknown)
	switch inv := v.w.running; {
	case inv != nil && inv.newer:
		v.writes++
		v.last[item] = strconv.Itoa(v.writes)
		next := memdb.Unknown{}
		maps.Copy(next, unknown)
		next[more] = v.last[item]
		return next
	case v.last[item] != "":
		v.w.reach("an older version wrote an item of a newer one")
		if v.w.mutant.wholeItems {
			return nil
		}
	}
	return unknown
}

// compare checks that an item still has what the newer version wrote.
func (v *versions) compare(item stored, unknown memdb.Unknown) {
	if unknown[more] != v.last[item] {
		v.w.violate("no version loses what another wrote", "",
			"%s: a newer version wrote %q, now it is %q", item, v.last[item], unknown[more])
		v.last[item] = unknown[more]
	}
}

// published returns events as the running version publishes them.
func (v *versions) published(events []envelope.Event) []envelope.Event {
	if v.w.running == nil || !v.w.running.newer {
		return events
	}
	all := make([]envelope.Event, len(events))
	for i, e := range events {
		rest, object := bytes.CutPrefix(e.Data, []byte("{"))
		if !object {
			return events // consumers will refuse them
		}
		comma := ","
		if string(rest) == "}" {
			comma = ""
		}
		e.Data = fmt.Appendf(nil, "{%q:%q%s%s", more, e.ID, comma, rest)
		all[i] = e
	}
	return all
}

func versionsKept(w *World, _ func(string, string, ...any)) {
	for item := range w.versions.last {
		w.versions.compare(item, w.logs[item.service].Unknown(item.kind, item.key))
	}
}

// sagasGivenAll: a saga gets all fields of its order's event, even those unknown to the version
// that starts it.
func sagasGivenAll(w *World, broken func(string, string, ...any)) {
	told := map[string][]string{}
	for _, e := range w.history.events {
		if e.Type == orders.OrderCreated || e.Type == orders.OrderOverdue {
			told[e.Subject] = append(told[e.Subject], rawjson.String(e.Data, more))
		}
	}
	for _, x := range w.engine.runs() {
		if x.machine != fulfilment.FulfilOrder {
			continue
		}
		given, known := rawjson.String(x.input, more), false
		for _, t := range told[x.order] {
			known = known || t == given
		}
		if !known {
			broken(x.order, "%s got %q, but its events have %q", x, given, fmt.Sprint(told[x.order]))
		}
		if given != "" {
			w.reach("a saga got a field of a newer version")
		}
	}
}
