package tables

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Schema describes a table or an index.
type Schema struct {
	Name     string
	PK, SK   string   // names of its key attributes, strings
	KeysOnly bool     // of an index: only keys are projected
	Indexes  []Schema // of a table
}

// table stores items as JSON, in which a million orders fit into memory.
type table struct {
	Schema
	tree
	indexes  []*index
	streamed bool
	changes  []map[string]any // the stream's records
}

type index struct {
	Schema
	tree
}

// tree has the items of each partition, sorted.
type tree map[string][]stored

type stored struct {
	sort string
	doc  []byte
	size int
}

func newTable(s Schema) *table {
	t := &table{Schema: s, tree: tree{}}
	for _, i := range s.Indexes {
		t.indexes = append(t.indexes, &index{i, tree{}})
	}
	return t
}

func (t tree) find(pk, sort string) (int, bool) {
	return slices.BinarySearchFunc(t[pk], sort, func(s stored, sort string) int { return cmp.Compare(s.sort, sort) })
}

func (t tree) put(pk string, s stored) {
	i, found := t.find(pk, s.sort)
	if found {
		t[pk][i] = s
		return
	}
	t[pk] = slices.Insert(t[pk], i, s)
}

func (t tree) remove(pk, sort string) {
	if i, found := t.find(pk, sort); found {
		if t[pk] = slices.Delete(t[pk], i, i+1); len(t[pk]) == 0 {
			delete(t, pk)
		}
	}
}

func encode(item Item) []byte {
	b, err := json.Marshal(item)
	if err != nil {
		panic(invalid(err.Error()))
	}
	return b
}

func decode(doc []byte) (item Item) {
	if err := json.Unmarshal(doc, &item); err != nil {
		panic(invalid(err.Error()))
	}
	return item
}

// get returns an item, nil if it does not exist.
func (t *table) get(key Item) Item {
	pk, sk := t.key(key)
	if i, found := t.find(pk, sk); found {
		return decode(t.tree[pk][i].doc)
	}
	return nil
}

func (t *table) key(of Item) (pk, sk string) {
	pk, sk = of[t.PK].text(), of[t.SK].text()
	if pk == "" || t.SK != "" && sk == "" {
		panic(invalid("the key has an empty or no string"))
	}
	return pk, sk
}

// keys returns the key attributes of an item, also those of an index if i is not nil.
func (t *table) keys(of Item, i *index) Item {
	names := []string{t.PK, t.SK}
	if i != nil {
		names = append(names, i.PK, i.SK)
	}
	keys := Item{}
	for _, name := range names {
		if v, ok := of[name]; ok {
			keys[name] = v
		}
	}
	return keys
}

// place is where an item is in an index; ok is false if it is not there. Items with the same key of
// the index are sorted by their own.
func (t *table) place(i *index, item Item) (pk, sort string, ok bool) {
	a, b := item[i.PK], item[i.SK]
	if a.S == nil || i.SK != "" && b.S == nil {
		return "", "", false
	}
	return *a.S, strings.Join([]string{b.text(), item[t.PK].text(), item[t.SK].text()}, "\x00"), true
}

// write replaces an item; after is nil for a deletion. It returns the units of each index.
func (t *table) write(before, after Item) map[string]int {
	if after != nil {
		pk, sk := t.key(after)
		s := stored{sk, encode(after), after.Size()}
		t.put(pk, s)
	} else if before != nil {
		t.remove(t.key(before))
	}
	units := map[string]int{}
	for _, i := range t.indexes {
		if n := t.reindex(i, before, after); n > 0 {
			units[i.Name] = n
		}
	}
	return units
}

// reindex updates an index as DynamoDB does: nothing if no projected attribute changes, one write
// if the item comes, goes or changes, and two if its key in the index changes.
func (t *table) reindex(i *index, before, after Item) (units int) {
	pk1, sort1, was := t.place(i, before)
	pk2, sort2, is := t.place(i, after)
	project := func(item Item) Item {
		if i.KeysOnly {
			return t.keys(item, i)
		}
		return item
	}
	moved := was && is && (pk1 != pk2 || sort1 != sort2)
	switch {
	case !was && !is, was && is && !moved && maps.EqualFunc(project(before), project(after), equal):
		return 0
	case was && (!is || moved):
		units += writeUnits(project(before).Size())
		i.remove(pk1, sort1)
	}
	if !is {
		return units
	}
	doc, size := encode(project(after)), project(after).Size()
	i.put(pk2, stored{sort2, doc, size})
	if was && !moved {
		size = max(size, project(before).Size())
	}
	return units + writeUnits(size)
}

func writeUnits(bytes int) int { return max(1, (bytes+1023)/1024) }

func readUnits(bytes int) int { return max(1, (bytes+4095)/4096) }
