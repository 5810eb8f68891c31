package ddb

import (
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"orderflow/internal/platform/fault"
)

// An attribute describes one attribute of a shape, which is a struct with dynamodbav tags. A field
// whose value has attributes of its own (a struct, a map or a list of them) also has the tag write.
// It says how to write the value without losing attributes that a newer version of the code added
// to it:
//
//	write:"once"    written with a new item and never changed: lines, an address
//	write:"within"  written attribute by attribute; every stored item must have the value and a
//	                version
type attribute struct {
	name   string
	write  string
	within []attribute
}

const (
	once   = "once"
	within = "within"
)

// shapes caches the result for a type: a []attribute or an error.
var shapes sync.Map

// shapeOf returns the attributes of a struct type, without the keys pk and sk.
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
			return nil, fault.New(fault.Internal, "BadShape", "field %s of %s has no dynamodbav tag", f.Name, t)
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
		const missing = `field %s of %s needs the tag write:"once" or write:"within"`
		return a, fault.New(fault.Internal, "BadShape", missing, f.Name, t)
	}
	return a, nil
}

var marshaler = reflect.TypeFor[attributevalue.Marshaler]()

// hasNames reports whether stored values of a type have attributes of their own, to which a newer
// version of the code may add.
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
