// Package schema validates events against the JSON Schemas of their service's contract:
// internal/<service>/contract/<type>.schema.json.
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

// Set holds the schemas of event types. A schema is parsed at the first event of its type, because
// most processes never see most types. A function may therefore start with a broken schema; tests
// call Check.
type Set map[string]func() (*jsonschema.Schema, error)

// suffix follows the event type in a schema's file name.
const suffix = ".schema.json"

// ErrInvalid means that the event's data does not match its schema, or that its type has no schema.
var ErrInvalid = fault.New(fault.Invalid, "InvalidEvent", "the event does not match its schema")

// Load returns the schemas of types in files, or all schemas if no type is given. A type without a
// file has a broken schema.
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

// Check parses all schemas and reports the broken ones.
func (s Set) Check() error {
	var broken []error
	for _, schema := range s {
		if _, err := schema(); err != nil {
			broken = append(broken, err)
		}
	}
	return errors.Join(broken...)
}

// Validate checks e's data. The error names field and rule but no value: it may be personal data.
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
