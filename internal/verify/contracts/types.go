package contracts

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Wire is what the exported structs of a Go package look like as JSON: the fields of each, by type and JSON name.
type Wire map[string]map[string]Field

// Field is one field of a struct.
type Field struct {
	// Type is as the source has it.
	Type string
	// Optional says that the field is left out where it is empty, so that those who do not know it see no difference.
	Optional bool
}

// ReadWire reads the structs of one Go source. It fails for what it would have to guess: an embedded field or one without a JSON name.
func ReadWire(source []byte) (Wire, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "steps.go", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	wire := Wire{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok || !t.Name.IsExported() {
				continue
			}
			s, ok := t.Type.(*ast.StructType)
			if !ok {
				continue
			}
			if wire[t.Name.Name], err = fields(s); err != nil {
				return nil, fmt.Errorf("%s: %w", t.Name.Name, err)
			}
		}
	}
	return wire, nil
}

func fields(s *ast.StructType) (map[string]Field, error) {
	all := map[string]Field{}
	for _, f := range s.Fields.List {
		tag := ""
		if f.Tag != nil {
			tag, _ = strconv.Unquote(f.Tag.Value) // the parser has read it
		}
		name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if len(f.Names) != 1 || name == "" {
			return nil, fmt.Errorf("a field of type %s has no JSON name of its own", typeName(f.Type))
		}
		all[name] = Field{Type: typeName(f.Type), Optional: strings.Contains(options, "omit")}
	}
	return all, nil
}

func typeName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.SelectorExpr:
		return typeName(t.X) + "." + t.Sel.Name
	case *ast.StarExpr:
		return "*" + typeName(t.X)
	case *ast.ArrayType:
		return "[]" + typeName(t.Elt)
	case *ast.MapType:
		return "map[" + typeName(t.Key) + "]" + typeName(t.Value)
	}
	return fmt.Sprintf("%T", e)
}

// Types returns what in the inputs and results of steps breaks the sagas that began before. A type of another name is the same to
// them if it has the same fields.
func Types(before, after Wire) []string {
	var c comparison
	for _, name := range slices.Sorted(maps.Keys(before)) {
		is, ok := after[name]
		if !ok {
			for _, other := range after {
				ok = ok || maps.Equal(other, before[name])
			}
			if !ok {
				c.add(name, "was removed")
			}
			continue
		}
		c.fields(name, before[name], is)
	}
	return c.breaks
}

func (c *comparison) fields(at string, before, after map[string]Field) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		was := before[name]
		switch is, ok := after[name]; {
		case !ok:
			c.add(at+"."+name, "was removed or renamed")
		case was.Type != is.Type:
			c.add(at+"."+name, "type was %s, is %s", was.Type, is.Type)
		case is.Optional && !was.Optional:
			c.add(at+"."+name, "may be missing now: those who read it rely on it")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, old := before[name]; !old && !after[name].Optional {
			c.add(at+"."+name, "is new, so it may be missing: mark it omitempty")
		}
	}
}
