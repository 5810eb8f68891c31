package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"

	"orderflow/internal/fulfilment"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/memdb"
)

// more is the name of what a newer version adds: an attribute of items, a field of events.
const more = "ofANewerVersion"

// versions has two versions of the code run side by side, as in a gradual release. Each invocation is of one of them, whatever the
// invocation before was of. The newer version is today's, but adds to every item that it writes, and to every event,
// what the older one does not know.
type versions struct {
	w      *World
	chance *chance // of its own, so that what else happens in a seed does not depend on versions
	writes int
	last   map[stored]string // what the newer version wrote last
}

// stored names an item.
type stored struct{ service, kind, key string }

func (i stored) String() string { return i.service + "'s " + i.kind + " " + i.key }

func newVersions(w *World, seed uint64) *versions {
	return &versions{w: w, chance: newChance(seed + 1), last: map[stored]string{}}
}

// newer decides which version the next invocation is of.
func (v *versions) newer() bool { return v.chance.IntN(2) == 0 }

// saved returns what an item has, beside what today's code knows, once the running function has written it.
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

// compare holds what an item has against what the newer version has put there.
func (v *versions) compare(item stored, unknown memdb.Unknown) {
	if unknown[more] != v.last[item] {
		v.w.violate("no version loses what another one wrote", "", "%s: a newer version wrote %q, left is %q", item, v.last[item], unknown[more])
		v.last[item] = unknown[more]
	}
}

// told returns the events that the running function publishes.
func (v *versions) told(events []envelope.Event) []envelope.Event {
	if v.w.running == nil || !v.w.running.newer {
		return events
	}
	all := make([]envelope.Event, len(events))
	for i, e := range events {
		var data map[string]json.RawMessage
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return events // which its consumers will refuse
		}
		data[more] = must(json.Marshal(e.ID))
		e.Data = must(json.Marshal(data))
		all[i] = e
	}
	return all
}

func versionsKept(w *World, _ func(string, string, ...any)) {
	logs := w.logs()
	for item := range w.versions.last {
		w.versions.compare(item, logs[item.service].Unknown(item.kind, item.key))
	}
}

// sagasGivenAll: what an event tells of an order, its saga is given, also what the version that starts it does not know.
func sagasGivenAll(w *World, broken func(string, string, ...any)) {
	told := map[string][]string{}
	for _, e := range w.history.events {
		if e.Type == orders.OrderCreated || e.Type == orders.OrderOverdue {
			told[e.Subject] = append(told[e.Subject], field(e.Data, more))
		}
	}
	for _, x := range w.engine.all {
		if x.machine != fulfilment.FulfilOrder {
			continue
		}
		given, known := field(x.input, more), false
		for _, t := range told[x.order] {
			known = known || t == given
		}
		if !known {
			broken(x.order, "%s was given %q, and its events tell %q", x, given, fmt.Sprint(told[x.order]))
		}
		if given != "" {
			w.reach("a saga was given what a newer version told")
		}
	}
}

var unknownField = regexp.MustCompile(`\\"` + more + `\\":\\"\w*\\",?`)

// unknownFieldsDropped has fulfilment not see what a newer version added to an event.
func unknownFieldsDropped(_ *World, name string, h function.Handler) function.Handler {
	if name != "start-fulfilment" {
		return h
	}
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		return h.Invoke(ctx, unknownField.ReplaceAll(payload, nil))
	})
}
