// Package schema validates events against the JSON Schemas that their service publishes in
// its contract: internal/<service>/contract/<type>.schema.json.
package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// Set holds the schemas of event types.
type Set map[string]*jsonschema.Schema

// suffix of a schema's file name, after the event type.
const suffix = ".schema.json"

// ErrInvalid: the event's data does not match its schema, or its type has none.
var ErrInvalid = fault.New(fault.Invalid, "InvalidEvent", "the event does not match its schema")

// Load compiles the schemas of the given types from files, or all where no type is given.
func Load(files fs.FS, types ...string) (Set, error) {
	if len(types) == 0 {
		names, err := fs.Glob(files, "*"+suffix)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			types = append(types, strings.TrimSuffix(path.Base(name), suffix))
		}
	}
	set := Set{}
	for _, t := range types {
		b, err := fs.ReadFile(files, t+suffix)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", t, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("urn:"+t, doc); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", t, err)
		}
		if set[t], err = c.Compile("urn:" + t); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", t, err)
		}
	}
	return set, nil
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

// Validate checks e's data. The error says where and which rule, not which value.
func (s Set) Validate(e envelope.Event) error {
	schema, ok := s[e.Type]
	if !ok {
		return ErrInvalid.Because(fmt.Errorf("no schema for type %s", e.Type))
	}
	data, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
	if err != nil {
		return ErrInvalid.Because(err)
	}
	err = schema.Validate(data)
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		return ErrInvalid.Because(where(invalid))
	}
	return err
}

// where names the first rule that is broken and its place. The library's own message
// quotes the value, which may be somebody's address, and errors are logged.
func where(invalid *jsonschema.ValidationError) error {
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	return fmt.Errorf("/%s breaks %s", strings.Join(invalid.InstanceLocation, "/"), strings.Join(invalid.ErrorKind.KeywordPath(), "/"))
}
