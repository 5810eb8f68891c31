package graph

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"orderflow/api"
	"orderflow/internal/gateway/graph/exec"
)

// TestCostKnowsTheSizeOfEveryList compares the sizes with the REST contract. The lists of a page
// are within a field that has the argument first.
func TestCostKnowsTheSizeOfEveryList(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		t.Fatal(err)
	}
	unused, pages := maps.Clone(sizes), 0
	for _, def := range exec.NewExecutableSchema(exec.Config{}).Schema().Types {
		for _, f := range def.Fields {
			name := def.Name + "." + f.Name
			size, known := sizes[name]
			delete(unused, name)
			switch isList := f.Type.Elem != nil; {
			case def.IsInputType() || strings.HasPrefix(def.Name, "__"):
			case strings.HasSuffix(f.Type.Name(), "Connection"):
				if pages++; f.Arguments.ForName("first") == nil {
					t.Errorf("%s has no argument first", name)
				}
			case !isList || strings.HasSuffix(def.Name, "Connection"):
			case !known:
				t.Errorf("sizes lacks %s", name)
			default:
				list := doc.Components.Schemas[def.Name].Value.Properties[f.Name].Value
				if list.MaxItems == nil || int(*list.MaxItems) != size {
					t.Errorf("%s has another size than in the contract", name)
				}
			}
		}
	}
	if len(unused) > 0 || pages < 2 {
		t.Errorf("%q are no lists; %d pages", slices.Sorted(maps.Keys(unused)), pages)
	}
}
