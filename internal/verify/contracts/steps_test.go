package contracts_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/jsonschema"
	shipping "orderflow/internal/shipping/contract"
)

var update = flag.Bool("update", false, "write the schemas of steps")

// steps lists the inputs and results of each service's steps.
var steps = map[string][]any{
	"inventory": {inventory.Step{}, inventory.Result{}},
	"orders":    {orders.Confirm{}, orders.Close{}, orders.Reject{}, orders.Flag{}, orders.Result{}, orders.Closed{}},
	"payments":  {payments.Step{}, payments.Await{}, payments.Result{}},
	"shipping":  {shipping.Arrange{}, shipping.Await{}, shipping.Cancel{}, shipping.Result{}},
}

var structs = regexp.MustCompile(`(?m)^type ([A-Z]\w*) struct`)

func TestStepSchemasMatchTheirGoTypes(t *testing.T) {
	files, err := filepath.Glob("../../*/contract/steps.go")
	if err != nil || len(files) != len(steps) {
		t.Errorf("%q, %v; want those of %q", files, err, slices.Sorted(maps.Keys(steps)))
	}
	for service, values := range steps {
		dir := filepath.Join("..", "..", service, "contract")
		seen := map[string]bool{}
		all := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
		for _, v := range values {
			all.Properties[reflect.TypeOf(v).Name()] = schemaOf(t, reflect.TypeOf(v), seen)
		}
		source, err := os.ReadFile(filepath.Join(dir, "steps.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range structs.FindAllSubmatch(source, -1) {
			if !seen[string(m[1])] {
				t.Errorf("%s: no schema has %s: add it to steps or remove it", service, m[1])
			}
		}
		want, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want, file := append(want, '\n'), filepath.Join(dir, "steps.json")
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the schema of its types (%v): run `go test ./internal/verify/contracts -update`", file,
				err)
		}
	}
}

// schemaOf returns the schema of a type's JSON and adds its structs to seen.
func schemaOf(t *testing.T, of reflect.Type, seen map[string]bool) *jsonschema.Schema {
	t.Helper()
	switch of.Kind() {
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(t, of.Elem(), seen)}
	case reflect.Map: // of any names
		return &jsonschema.Schema{Type: "object"}
	case reflect.Struct:
	default:
		t.Fatalf("no schema for %s: add one here", of)
	}
	seen[of.Name()] = true
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	for _, f := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || f.Anonymous {
			t.Fatalf("%s.%s has no JSON name", of, f.Name)
		}
		s.Properties[name] = schemaOf(t, f.Type, seen)
		if !strings.Contains(options, "omit") {
			s.Required = append(s.Required, name)
		}
	}
	return s
}
