package memdb

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Unknown are attributes that this version of the code does not know, by their place in the item. A
// newer version has written them during a gradual release.
type Unknown map[string]string

// Items are all items of one kind in a store, by key. As in DynamoDB, items keep their unknown
// attributes. Read them in a View or a Commit of the log, and write them in a Commit.
type Items[V any] struct {
	log     *Log
	kind    string
	once    func(stored V, next *V)
	over    func(v V, before time.Time) bool // see Expiring; nil: never
	values  map[string]V
	unknown map[string]Unknown
	grown   map[string][]string // see Newer
}

// NewItems returns an empty set of items. once, if not nil, copies the fields that are written once
// (write:"once" in the shape of package ddb) from the stored value to the next one.
func NewItems[V any](l *Log, kind string, once func(stored V, next *V)) *Items[V] {
	i := &Items[V]{
		log: l, kind: kind, once: once,
		values: map[string]V{}, unknown: map[string]Unknown{}, grown: map[string][]string{},
	}
	l.kinds = append(l.kinds, i)
	return i
}

// Expiring lets Log.Forget remove the items that expired before a time, according to over, like
// DynamoDB's time to live.
func (i *Items[V]) Expiring(over func(v V, before time.Time) bool) *Items[V] {
	i.over = over
	return i
}

// Find returns an item and whether it exists.
func (i *Items[V]) Find(key string) (V, bool) {
	v, ok := i.values[key]
	return v, ok
}

// Get returns an item, or the zero value.
func (i *Items[V]) Get(key string) V { return i.values[key] }

// All ranges over the items, in no order.
func (i *Items[V]) All() iter.Seq2[string, V] { return maps.All(i.values) }

// Keys returns the keys, sorted.
func (i *Items[V]) Keys() []string { return slices.Sorted(maps.Keys(i.values)) }

// Save writes an item, whether it exists or not.
func (i *Items[V]) Save(key string, v V) {
	if stored, ok := i.values[key]; ok && i.once != nil {
		i.once(stored, &v)
	}
	i.values[key] = v
	if unknown := i.log.gate.Saved(i.kind, key, i.unknown[key]); len(unknown) > 0 {
		i.unknown[key] = unknown
	} else {
		delete(i.unknown, key)
	}
}
