package schema_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	oracle "github.com/santhosh-tekuri/jsonschema/v6"

	"orderflow/internal/platform/jsonschema"
)

// published is a schema of a service's contract, parsed by us and by the oracle.
type published struct {
	name   string
	own    *jsonschema.Schema
	oracle *oracle.Schema
}

// contracts returns every event schema of the repository.
func contracts(t testing.TB) []published {
	t.Helper()
	files, err := filepath.Glob("../../*/contract/*.schema.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	var all []published
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := published{name: filepath.Base(file)}
		if p.own, err = jsonschema.Parse(text); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		doc, err := oracle.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := oracle.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("urn:x", doc); err != nil {
			t.Fatal(err)
		}
		if p.oracle, err = c.Compile("urn:x"); err != nil { // also checks the meta-schema
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, p)
	}
	return all
}

// compare fails unless both accept or both refuse the text.
func (p published) compare(t *testing.T, text string) (accepted bool) {
	t.Helper()
	value, err := oracle.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = p.oracle.Validate(value)
	}
	if own := p.own.Validate([]byte(text)); (own == nil) != (err == nil) {
		t.Errorf("%s %s\n got: %v\nwant: %v", p.name, text, own, err)
	}
	return err == nil
}

// odd are the JSON values that replace every value of an example.
var odd = []string{
	`null`, `true`, `""`, `" "`, `"x"`, `"EUR"`, `"EURO"`, `"\u0000"`, `"ä"`, `"a@b"`, `"01KAQ5M3Z8V7D2X4C6B9N1T0RW"`,
	`"01kaq5m3z8v7d2x4c6b9n1t0rw"`,
	`"` + strings.Repeat("a", 64) + `"`, `"` + strings.Repeat("ä", 65) + `"`, `"` + strings.Repeat("a", 300) + `"`,
	`"` + strings.Repeat("Ä", 5000) + `"`,
	`0`, `-0`, `0.0`, `1`, `-1`, `1.0`, `1.5`, `999`, `1000`, `1e3`, `1e-3`, `9223372036854775807`,
	`9223372036854775808`, `1e30`, `"1"`,
	`[]`, `[null]`, `[{}]`, `{}`, `{"x":1}`, `"DE"`, `"OUT_OF_STOCK"`, `"OUT__OF"`, `[` + strings.Repeat("{},",
		60) + `{}]`,
}

// TestVerdictsMatchTheLibrary compares verdicts on examples of events, changed at every place.
func TestVerdictsMatchTheLibrary(t *testing.T) {
	accepted, refused := 0, 0
	for _, p := range contracts(t) {
		root := example(t, p.own)
		emit := func() {
			b, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			if p.compare(t, string(b)) {
				accepted++
			} else {
				refused++
			}
		}
		if emit(); refused > 0 && accepted == 0 {
			t.Fatalf("%s: the example is refused", p.name)
		}
		mutate(root, func(v any) { root = v }, emit)
	}
	if accepted < 800 || refused < 2000 {
		t.Errorf("%d accepted and %d refused are too few to compare", accepted, refused)
	}
}

// mutate replaces each value in node by each odd value, removes each field, adds a field to each
// object and doubles each list.
func mutate(node any, set func(any), emit func()) {
	for _, value := range odd {
		set(json.RawMessage(value))
		emit()
	}
	set(node)
	switch n := node.(type) {
	case map[string]any:
		for name, value := range n {
			delete(n, name)
			emit()
			n[name] = value
			mutate(value, func(v any) { n[name] = v }, emit)
		}
		n["unknown"] = 1
		emit()
		delete(n, "unknown")
	case []any:
		set(append(n[:len(n):len(n)], n...))
		emit()
		set(node)
		for i, value := range n {
			mutate(value, func(v any) { n[i] = v }, emit)
		}
	}
}

// texts has one match for every pattern of the contracts.
var texts = []string{"Ada", "a@b.example", "01KAQ5M3Z8V7D2X4C6B9N1T0RW", "EUR", "DE", "OUT_OF_STOCK", "MUG-BLUE",
	"https://bank.example/1", "2026-11-23T09:00:00.000Z"}

// example returns a valid value with every property.
func example(t *testing.T, s *jsonschema.Schema) any {
	t.Helper()
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	switch s.Type {
	case "object":
		o := map[string]any{}
		for name, property := range s.Properties {
			o[name] = example(t, property)
		}
		return o
	case "array":
		return []any{example(t, s.Items)}
	case "integer":
		return json.Number("1")
	}
	for _, text := range texts {
		found := &jsonschema.Invalid{}
		if s.Check("", text, found); len(found.Violations) == 0 {
			return text
		}
	}
	t.Fatalf("no text matches %+v: add one", s)
	return nil
}

// FuzzVerdicts skips texts that only we refuse, on purpose, and numbers beyond Go's types.
func FuzzVerdicts(f *testing.F) {
	all := contracts(f)
	for i := range all {
		f.Add(i, `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","sku":"MUG","items":[{"sku":"MUG","quantity":7.0}],`+
			`"delta":-1,"amount":{"currency":"EUR","amount":0}}`)
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		if i >= 0 && i < len(all) && comparable(text) {
			all[i].compare(t, text)
		}
	})
}

func comparable(text string) bool {
	if _, err := jsonschema.Decode([]byte(text)); err != nil {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return true
		}
		if n, ok := token.(json.Number); ok {
			f, err := strconv.ParseFloat(n.String(), 64)
			if err != nil || math.Abs(f) > 1<<53 || f != 0 && math.Abs(f) < 1e-9 || len(n) > 15 {
				return false
			}
		}
	}
}
