// Package apigen generates from api/contract.yaml the full contract, api/openapi.yaml, its form for
// clients, api/openapi.json, and the request schema of each operation,
// api/operations/<operationId>.json; and from api/<service>.yaml those of a service with a stack of
// its own.
package apigen

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp/syntax"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/jsonschema"
)

// operation is an operation of package api, with its schemas as written.
type operation struct {
	api.Operation
	Parameters []parameter `json:"parameters,omitempty"`
	Body       any         `json:"body,omitempty"`
}

type parameter struct {
	api.Parameter
	Schema any `json:"schema"`
}

// generate returns the files of api/operations by name.
func generate(spec []byte) (map[string][]byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if method == http.MethodHead || method == http.MethodOptions {
				continue // HEAD is checked as GET, and OPTIONS has no parameters
			}
			extracted, err := extract(method, path, item, op)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op.OperationID, err)
			}
			b, err := json.MarshalIndent(extracted, "", " ")
			if err != nil {
				return nil, err
			}
			files[op.OperationID+".json"] = append(b, '\n')
		}
	}
	return files, nil
}

func extract(method, path string, item *openapi3.PathItem, op *openapi3.Operation) (operation, error) {
	o := operation{Operation: api.Operation{ID: op.OperationID, Method: method, Path: path,
		Public: op.Security != nil && len(*op.Security) == 0}}
	o.Function, _ = op.Extensions["x-orderflow-function"].(string)
	o.Function = cmp.Or(o.Function, casing.Kebab(o.ID))
	o.Group, _ = op.Extensions["x-orderflow-group"].(string)
	o.Audited, _ = op.Extensions["x-orderflow-audited"].(bool)
	o.Tolerant = op.Extensions["x-orderflow-reader"] == "tolerant"
	if len(item.Parameters) > 0 {
		return o, fmt.Errorf("parameters belong to operations, not to paths")
	}
	for _, ref := range op.Parameters {
		p := ref.Value
		s, err := schema(p.Schema.Value)
		if err != nil {
			return o, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		if p.Schema.Value.Type.Is("array") && (p.In != "query" || p.Explode == nil || *p.Explode) {
			return o, fmt.Errorf("parameter %s: a list must be in the query, with explode: false", p.Name)
		}
		o.Parameters = append(o.Parameters, parameter{api.Parameter{Name: p.Name, In: p.In, Required: p.Required}, s})
	}
	if op.RequestBody == nil {
		return o, nil
	}
	content := op.RequestBody.Value.Content
	if op.Extensions["x-orderflow-body"] == "opaque" {
		o.Opaque = true
		return o, nil
	}
	if len(content) != 1 || content["application/json"] == nil {
		return o, fmt.Errorf("a body must be application/json only")
	}
	body, err := schema(content["application/json"].Schema.Value)
	o.Body, o.BodyOptional = body, !op.RequestBody.Value.Required
	return o, err
}

// checked are the keywords that package api enforces; silent are those without an effect on
// validity.
var (
	checked = []string{
		"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
		"minLength", "maxLength", "pattern", "minimum", "maximum", "enum", "not", "format", "nullable",
	}
	silent = []string{"title", "description", "example", "default"}
)

// schema returns s with references resolved, and fails on keywords that package api would not
// enforce.
func schema(s *openapi3.Schema) (map[string]any, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	keywords := map[string]any{}
	if err := json.Unmarshal(b, &keywords); err != nil {
		return nil, err
	}
	for name, value := range keywords {
		switch {
		// any value
		case slices.Contains(silent, name), name == "format" && value == "int64", name == "nullable" && s.Type == nil:
			delete(keywords, name)
		case !slices.Contains(checked, name):
			return nil, fmt.Errorf("keyword %s is not supported in requests", name)
		case name == "format" && !jsonschema.Format(s.Format).Known():
			return nil, fmt.Errorf("format %s is not supported in requests", s.Format)
		}
	}
	if s.Type.Is("integer") && (s.Min == nil || s.Max == nil) {
		return nil, fmt.Errorf("an integer needs minimum and maximum, or it may not fit into an int64")
	}
	if s.Type.Is("object") && s.AdditionalProperties.Has == nil {
		return nil,
			fmt.Errorf("an object must set additionalProperties: false, or true to allow unknown fields")
	}
	if s.Pattern != "" {
		re, err := syntax.Parse(s.Pattern, syntax.Perl)
		if err != nil {
			return nil, err
		}
		if n := repeats(re); n > maxRepeats {
			return nil,
				fmt.Errorf("a pattern that repeats %d times slows every start of its function: use maxLength instead",
					n)
		}
	}
	return keywords, nested(s, keywords)
}

// maxRepeats bounds {n,m} in patterns, which are unrolled: compiling {1,255} takes a tenth of a
// hello-world function's start.
const maxRepeats = 32

// repeats returns the largest bound of a repetition in re.
func repeats(re *syntax.Regexp) int {
	most := 0
	if re.Op == syntax.OpRepeat {
		most = max(re.Min, re.Max)
	}
	for _, sub := range re.Sub {
		most = max(most, repeats(sub))
	}
	return most
}

// nested adds the schemas nested in s to keywords.
func nested(s *openapi3.Schema, keywords map[string]any) (err error) {
	for name, ref := range map[string]*openapi3.SchemaRef{"items": s.Items, "not": s.Not} {
		if ref == nil {
			continue
		}
		if keywords[name], err = schema(ref.Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	properties := map[string]any{}
	for name, ref := range s.Properties {
		if properties[name], err = schema(ref.Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(properties) > 0 {
		keywords["properties"] = properties
	}
	return nil
}

// Write writes openapi.yaml and openapi.json, and replaces operations/, in api/ of the repository
// at root.
func Write(root string) error {
	dir := filepath.Join(root, "api")
	spec, err := openAPI(root)
	if err != nil {
		return err
	}
	files, err := generate(spec)
	if err != nil {
		return err
	}
	clients, err := public(spec)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "openapi.yaml"), spec, 0o644),
		os.WriteFile(filepath.Join(dir, "openapi.json"), clients, 0o644),
		replace(filepath.Join(dir, "operations"), files), writeOwn(root))
}

// replace makes a directory hold exactly these files.
func replace(dir string, files map[string][]byte) error {
	err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755))
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	return err
}

// openAPI returns openapi.yaml. The aliases of functions come from template.yaml.
func openAPI(root string) ([]byte, error) {
	contract, err := os.ReadFile(filepath.Join(root, "api", "contract.yaml"))
	if err != nil {
		return nil, err
	}
	template, err := cfn.Read(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	spec, err := complete(string(contract), func(function string) string {
		if name, ok := cfn.Dig(template, "Resources", function+"Function", "Properties",
			"AutoPublishAlias").(string); ok {
			return ":" + name
		}
		return ""
	})
	return []byte(spec), err
}
