package memdb

import (
	"maps"
	"strings"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/idempotency"
)

// Forget removes everything about subjects, such as finished orders, and the idempotency records
// and expiring items from before a time. So the memory of a long-lived process stays bounded. An
// item is about a subject if its key is the subject, or begins with it and a #.
func (l *Log) Forget(subjects map[string]bool, before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.barriers, func(k barrier.Key, _ barrier.Record) bool { return subjects[k.Saga] })
	until := before.Add(idempotency.Retention)
	maps.DeleteFunc(l.replies, func(_ [2]string, r reply) bool { return r.expires.Before(until) })
	for _, k := range l.kinds {
		k.forget(subjects, before)
	}
}

// Sizes returns the number of entries of every kind, to test that none grows without bound.
func (l *Log) Sizes() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]int{"barrier": len(l.barriers), "reply": len(l.replies)}
	for _, k := range l.kinds {
		all[k.name()] = k.size()
	}
	return all
}

// size implements kind.
func (i *Items[V]) size() int { return len(i.values) }

// forget implements kind.
func (i *Items[V]) forget(subjects map[string]bool, before time.Time) {
	about := func(key string) bool {
		subject, _, _ := strings.Cut(key, "#")
		return subjects[subject]
	}
	maps.DeleteFunc(i.values, func(key string, v V) bool {
		return about(key) || i.over != nil && i.over(v, before)
	})
	maps.DeleteFunc(i.unknown, func(key string, _ Unknown) bool {
		_, kept := i.values[key]
		return !kept
	})
}
