package memdb

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Newer is a newer version of the code that writes to the same items; see storesuite.Newer.
type Newer struct{ *Log }

// Grow adds an attribute to every item, and to every struct nested in one.
func (n Newer) Grow(context.Context) (count int, err error) {
	n.View(func() {
		for _, k := range n.kinds {
			count += k.grow()
		}
	})
	return count, nil
}

// Lost names the added attributes that are missing or changed.
func (n Newer) Lost(context.Context) (all []string, err error) {
	n.View(func() {
		for _, k := range n.kinds {
			all = append(all, k.lost()...)
		}
	})
	slices.Sort(all)
	return all, nil
}

// grown is an attribute that no version of the code knows.
const grown = "attributeOfANewerVersion"

// Unknown returns the unknown attributes of an item.
func (l *Log) Unknown(kind, key string) (unknown Unknown) {
	l.View(func() {
		for _, k := range l.kinds {
			if k.name() == kind {
				unknown = k.unknownOf(key)
			}
		}
	})
	return unknown
}

func (i *Items[V]) name() string { return i.kind }

func (i *Items[V]) unknownOf(key string) Unknown { return i.unknown[key] }

func (i *Items[V]) grow() (count int) {
	for key, v := range i.values {
		more := maps.Clone(i.unknown[key])
		if more == nil {
			more = Unknown{}
		}
		i.grown[key] = places("", reflect.ValueOf(v))
		for _, place := range i.grown[key] {
			more[place+"."+grown] = key
		}
		i.unknown[key] = more
		count += len(i.grown[key])
	}
	return count
}

func (i *Items[V]) lost() (lost []string) {
	for key, places := range i.grown {
		for _, place := range places {
			if i.unknown[key][place+"."+grown] != key {
				lost = append(lost, i.kind+" "+key+place)
			}
		}
	}
	return lost
}

// places lists the places in a value that have attributes: the value itself and all structs nested
// in it or in its lists.
func places(at string, v reflect.Value) []string {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return nil
		}
		all := []string{at}
		for i := range v.NumField() {
			all = append(all, places(at+"."+v.Type().Field(i).Name, v.Field(i))...)
		}
		return all
	case reflect.Slice:
		var all []string
		for i := range v.Len() {
			all = append(all, places(at+"["+strconv.Itoa(i)+"]", v.Index(i))...)
		}
		return all
	case reflect.Pointer:
		if !v.IsNil() {
			return places(at, v.Elem())
		}
	default:
	}
	if at == "" {
		return []string{""}
	}
	return nil
}

// kind is an Items of any type.
type kind interface {
	name() string
	unknownOf(key string) Unknown
	grow() int
	lost() []string
	forget(subjects map[string]bool, before time.Time)
	size() int
}
