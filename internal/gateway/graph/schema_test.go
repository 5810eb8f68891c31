package graph_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"orderflow/api"
	"orderflow/internal/gateway/graph/exec"
)

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../../../api/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExecutorIsGeneratedFromTheSchema(t *testing.T) {
	format := func(s *ast.Schema) string {
		var b bytes.Buffer
		formatter.NewFormatter(&b).FormatSchema(s)
		return b.String()
	}
	if format(schema(t)) != format(exec.NewExecutableSchema(exec.Config{}).Schema()) {
		t.Error("run `go run ./cmd/dev generate`: exec/exec.go is not of api/schema.graphql")
	}
}

// graphOnly are the fields without one in the REST contract: they are calls, or pages.
var graphOnly = map[string]bool{
	"Order.payment": true, "Order.reservations": true, "Order.shipment": true, "OrderLine.product": true,
	"Product.available": true,
}

// restOf names the schema of the contract for a type whose name differs.
var restOf = map[string]string{"MoneyInput": "Money", "OrderRequestLine": "", "ReservedLine": ""}

func TestEveryTypeIsOneOfTheContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		t.Fatal(err)
	}
	s := schema(t)
	compared := 0
	for _, def := range s.Types {
		paging := strings.HasSuffix(def.Name, "Connection") || strings.HasSuffix(def.Name, "Edge") ||
			def.Name == "PageInfo"
		structured := def.Kind == ast.Object || def.Kind == ast.InputObject
		if def.BuiltIn || def == s.Query || def == s.Mutation || paging || !structured {
			continue
		}
		rest, differs := restOf[def.Name]
		if !differs {
			rest = def.Name
		}
		if rest == "" {
			continue // lines have no name in the contract; compared with their order
		}
		ref := doc.Components.Schemas[rest]
		if ref == nil {
			t.Errorf("%s is not in the contract", def.Name)
			continue
		}
		compared++
		compare(t, s, def, ref.Value)
	}
	if compared < 12 {
		t.Errorf("only %d types were compared", compared)
	}
}

func compare(t *testing.T, s *ast.Schema, def *ast.Definition, rest *openapi3.Schema) {
	t.Helper()
	missing := maps.Clone(rest.Properties)
	for _, f := range def.Fields {
		p := rest.Properties[f.Name]
		delete(missing, f.Name)
		name := def.Name + "." + f.Name
		if p == nil {
			if !graphOnly[name] {
				t.Errorf("%s is not in the contract", name)
			}
			continue
		}
		v := p.Value
		if len(v.AllOf) == 1 {
			v = v.AllOf[0].Value
		}
		required := slices.Contains(rest.Required, f.Name) && !v.Nullable
		if s.Types[f.Type.Name()].Kind == ast.Enum {
			required = false // a value that is newer than the schema is null
		}
		if f.Type.NonNull != required {
			t.Errorf("%s: non-null %t, required in the contract %t", name, f.Type.NonNull, required)
		}
		if want := scalar(v); want != "" && !slices.Contains(strings.Split(want, "|"), f.Type.Name()) &&
			s.Types[f.Type.Name()].Kind != ast.Enum {
			t.Errorf("%s is %s, want %s", name, f.Type.Name(), want)
		}
		if enum := s.Types[f.Type.Name()]; enum.Kind == ast.Enum {
			var values []string
			for _, e := range enum.EnumValues {
				values = append(values, e.Name)
			}
			var want []string
			for _, e := range v.Enum {
				want = append(want, e.(string))
			}
			if !slices.Equal(values, want) {
				t.Errorf("%s has %q, want %q", name, values, want)
			}
		}
		if v.Type.Is("array") {
			line := s.Types[f.Type.Name()]
			compare(t, s, line, v.Items.Value)
		}
	}
	for field := range missing {
		t.Errorf("%s lacks %s", def.Name, field)
	}
}

// scalar returns the scalars, separated by |, that a schema of the contract may be.
func scalar(v *openapi3.Schema) string {
	switch {
	case v.Type.Is("integer") && v.Format == "int64":
		return "Int64|Int"
	case v.Type.Is("integer"):
		return "Int"
	case v.Type.Is("boolean"):
		return "Boolean"
	case v.Format == "date-time":
		return "DateTime"
	case v.Type.Is("string"):
		return "String|Ulid|Sku|CurrencyCode|CountryCode"
	}
	return ""
}
