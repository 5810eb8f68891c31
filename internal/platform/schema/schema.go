// Package schema validates events against the JSON Schemas that their service publishes in
// its contract: internal/<service>/contract/<type>.schema.json.
package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/jsonschema"
)

// Set holds the schemas of event types. A schema is read when the first event of its type comes: most processes never
// see most types. So a function may start with a broken schema; Check is for the tests, which must not let one through.
type Set map[string]func() (*jsonschema.Schema, error)

// suffix of a schema's file name, after the event type.
const suffix = ".schema.json"

// ErrInvalid: the event's data does not match its schema, or its type has none.
var ErrInvalid = fault.New(fault.Invalid, "InvalidEvent", "the event does not match its schema")

// Load takes the schemas of the given types from files, or all if no type is given. A type without
// a file has a broken schema.
func Load(files fs.FS, types ...string) Set {
	if len(types) == 0 {
		names, _ := fs.Glob(files, "*"+suffix) // the pattern is well-formed
		for _, name := range names {
			types = append(types, strings.TrimSuffix(path.Base(name), suffix))
		}
	}
	set := Set{}
	for _, t := range types {
		set[t] = sync.OnceValues(func() (*jsonschema.Schema, error) {
			text, err := fs.ReadFile(files, t+suffix)
			if err != nil {
				return nil, err
			}
			s, err := jsonschema.Parse(text)
			if err != nil {
				return nil, fmt.Errorf("schema of %s: %w", t, err)
			}
			return s, nil
		})
	}
	return set
}

// Merge returns the schemas of all sets.
func Merge(sets ...Set) Set {
	all := Set{}
	for _, s := range sets {
		for t, schema := range s {
			all[t] = schema
		}
	}
	return all
}

// Check reads all schemas and reports the broken ones.
func (s Set) Check() error {
	var broken []error
	for _, schema := range s {
		if _, err := schema(); err != nil {
			broken = append(broken, err)
		}
	}
	return errors.Join(broken...)
}

// Validate checks e's data. The error says where and which rule, not which value: that may be somebody's address, and
// errors are logged.
func (s Set) Validate(e envelope.Event) error {
	load, ok := s[e.Type]
	if !ok {
		return ErrInvalid.Because(fmt.Errorf("no schema for type %s", e.Type))
	}
	schema, err := load()
	if err != nil {
		return err
	}
	if err := schema.Validate(e.Data); err != nil {
		return ErrInvalid.Because(err)
	}
	return nil
}
