package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
)

// strict decodes exactly one value and refuses fields that into lacks. Unlike encoding/json, and
// like AWS, it is case-sensitive.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("unexpected text after the definition")
	}
	v, err := decode(data)
	if err != nil {
		return err
	}
	return known(v, reflect.TypeOf(into).Elem())
}

// known checks that every key of v is a field of the structs of t.
func known(v any, t reflect.Type) error {
	switch v := v.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for _, e := range v {
				if err := known(e, t.Elem()); err != nil {
					return err
				}
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			f, ok := t.FieldByName(key)
			if !ok {
				return fmt.Errorf("the field %q is not in the subset", key)
			}
			if err := known(v[key], f.Type); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

// unique refuses duplicate keys, of which encoding/json would take the last.
func unique(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	delim, _ := t.(json.Delim)
	if delim != '{' && delim != '[' {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			k, err := d.Token()
			if err != nil {
				return err
			}
			key, _ := k.(string)
			if seen[key] {
				return fmt.Errorf("duplicate key %q", key)
			}
			seen[key] = true
		}
		if err := unique(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
