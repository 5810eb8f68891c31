package ddb

import (
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"orderflow/internal/platform/fault"
)

// An attribute is what a shape, a struct with dynamodbav tags, says of one attribute of an item.
// Beside that tag a field whose value has names of its own (a struct, a map or a list of them) has
// the tag write, which says how such a value is written without loss of what a newer version has
// put inside:
//
//	write:"once"    with the item, and never changed: lines, an address
//	write:"within"  name by name; the value must have been part of the shape since there are such items, and the item
//	                must have a version
type attribute struct {
	name   string
	write  string
	within []attribute
}

const (
	once   = "once"
	within = "within"
)

// shapes keeps what is known of a type: a []attribute, or the error that it has none.
var shapes sync.Map

// shapeOf lists the attributes that a struct type knows, but for the keys pk and sk.
func shapeOf(t reflect.Type) ([]attribute, error) {
	if known, ok := shapes.Load(t); ok {
		if err, bad := known.(error); bad {
			return nil, err
		}
		return known.([]attribute), nil
	}
	attributes, err := attributesOf(t)
	if err != nil {
		shapes.Store(t, err)
		return nil, err
	}
	shapes.Store(t, attributes)
	return attributes, nil
}

func attributesOf(t reflect.Type) ([]attribute, error) {
	if t.Kind() != reflect.Struct {
		return nil, fault.New(fault.Internal, "BadShape", "%s is not a struct", t)
	}
	var all []attribute
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("dynamodbav"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			embedded, err := attributesOf(f.Type)
			if err != nil {
				return nil, err
			}
			all = append(all, embedded...)
			continue
		}
		switch name {
		case "":
			return nil, fault.New(fault.Internal, "BadShape", "the field %s of %s has no dynamodbav tag", f.Name, t)
		case "-", "pk", "sk":
			continue
		}
		a, err := attributeOf(t, f, name)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func attributeOf(t reflect.Type, f reflect.StructField, name string) (attribute, error) {
	a := attribute{name: name, write: f.Tag.Get("write")}
	switch {
	case a.write == once:
		return a, nil
	case a.write == within && f.Type.Kind() == reflect.Struct:
		var err error
		a.within, err = attributesOf(f.Type)
		return a, err
	case a.write != "" || hasNames(f.Type):
		return a, fault.New(fault.Internal, "BadShape", `the field %s of %s needs the tag write:"once" or write:"within"`, f.Name, t)
	}
	return a, nil
}

var marshaler = reflect.TypeFor[attributevalue.Marshaler]()

// hasNames tells whether values of a type are stored with names of their own, which a newer version
// may add to.
func hasNames(t reflect.Type) bool {
	if t == reflect.TypeFor[time.Time]() || t.Implements(marshaler) {
		return false
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hasNames(t.Elem())
	default:
		return false
	}
}
