package scaffold

import (
	"encoding/json"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const contract = `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
"/v1/teas/{sku}/price":{"get":{"operationId":"getTeaPrice","summary":"Read the price of a tea",
	"security":[{"customer":[]}],
	"parameters":[{"name":"sku","in":"path","required":true,"schema":{"type":"string"},"example":"OOLONG"},
		{"name":"currencies","in":"query","required":true,"schema":{"type":"array"},"example":["EUR","CHF"]},
		{"name":"limit","in":"query","schema":{"type":"integer"},"example":2}],
	"responses":{"200":{"description":"ok","content":{"application/json":{"schema":
		{"type":"object","required":["sku","price"]}}}}}}},
"/v1/teas/{sku}":{"get":{"operationId":"getTea","summary":"Read a tea",
	"parameters":[{"name":"sku","in":"path","required":true,"schema":{"type":"string"},"example":"OOLONG"}],
	"responses":{"200":{"description":"ok"}}}},
"/v1/cups":{"get":{"operationId":"getCups","summary":"List cups","responses":{"200":{"description":"ok"}}}},
"/v1/teas":{"post":{"operationId":"brewTea","summary":"Brew","responses":{"204":{"description":"ok"}}}}}}`

// The texts before "%s" in these files are of the operation that is the most similar, and others.
const (
	collection = "# requests\n\n" +
		"### Read a tea\n# @name getTea\n# expect 200\nGET {{apiUrl}}/v1/teas/OOLONG\n\n{\n}\n%s" +
		"\n### Brew\n# @name brewTea\n# expect 204\nPOST {{apiUrl}}/v1/teas\n" +
		"\n### List cups\n# @name getCups\n# expect 200\nGET {{apiUrl}}/v1/cups\n"
	readme = "# teahouse\n\n| function | called by | does |\n|---|---|---|\n" +
		"| get-tea, pour-tea | `GET /v1/teas…` | shows |\n%s| brew-tea | `POST /v1/teas` | brews |\n" +
		"| get-cups | `GET /v1/cups` | shows |\n\nTeas are hot.\n"
	wants = "- function: get-tea # hot\n  given: kettle\n  answers: {statusCode: 200}\n%s" +
		"- function: brew-tea\n  answers: {statusCode: 204}\n- function: get-cups\n  answers: {statusCode: 200}\n"
)

func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"api/openapi.yaml": contract,
		"deploy/teahouse.yaml": "functions: [{function: get-tea, http: open}, {function: brew-tea, http: open}, " +
			"{function: get-cups, http: open}, {function: get-tea-price, http: bearer}]\n",
		"docs/orderflow.http":                             strings.Replace(collection, "%s", "", 1),
		"internal/teahouse/README.md":                     strings.Replace(readme, "%s", "", 1),
		"internal/verify/samlocal/testdata/teahouse.yaml": strings.Replace(wants, "%s", "", 1),
		"functions/teahouse/get-cups/main.go":             "package main\n",
		"events/teahouse/get-cups.json":                   "{}\n",
		"functions/teahouse/get-tea/main.go":              "package main\n",
		"events/teahouse/get-tea.json":                    "{}\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func contents(t *testing.T, root, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNewReadOperationGetsItsFilesOnce(t *testing.T) {
	root := repository(t)
	written, err := Write(root)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, f := range written {
		said = append(said, f.String())
	}
	const main, event = "functions/teahouse/get-tea-price/main.go", "events/teahouse/get-tea-price.json"
	if want := []string{
		"changed: docs/orderflow.http", "new: " + event, "new: " + main, "changed: internal/teahouse/README.md",
		"changed: internal/verify/samlocal/testdata/teahouse.yaml",
	}; !slices.Equal(said, want) {
		t.Errorf("wrote %q, want %q", said, want)
	}
	for name, want := range map[string]string{
		event: `"currencies": "EUR,CHF"`,
		main:  "// Command get-tea-price returns the price of a tea.\npackage main\n",
	} {
		if got := contents(t, root, name); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	text := contents(t, root, main)
	if !strings.Contains(text, `func main() { function.Start("teahouse", "get-tea-price", handler.GetTeaPrice) }`) {
		t.Errorf("%s: %s", main, text)
	}
	if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
		t.Errorf("%v; not as gofmt has it:\n%s", err, text)
	}
	if err := os.WriteFile(filepath.Join(root, main), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := Write(root)
	if err != nil || len(again) > 0 || contents(t, root, main) != "mine" {
		t.Errorf("wrote %q again, %v", again, err)
	}
}

func TestPartsAreWrittenBesideTheMostSimilarOnes(t *testing.T) {
	root := repository(t)
	if _, err := Write(root); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ around, part string }{
		"docs/orderflow.http": {collection, "\n### Read the price of a tea\n# @name getTeaPrice\n# expect 200\n" +
			"GET {{apiUrl}}/v1/teas/OOLONG/price?currencies=EUR,CHF\nAuthorization: Bearer {{customerToken}}\n"},
		"internal/teahouse/README.md": {readme, "| get-tea-price | `GET /v1/teas/{sku}/price?currencies=` | " +
			"returns the price of a tea |\n"},
		"internal/verify/samlocal/testdata/teahouse.yaml": {wants, "- function: get-tea-price\n  given: kettle\n" +
			"  answers: {statusCode: 200, body: {sku: OOLONG, price: /.*/}}\n"},
	} {
		if got, want := contents(t, root, name), strings.Replace(c.around, "%s", c.part, 1); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestSummariesBecomeThirdPerson(t *testing.T) {
	for summary, want := range map[string]string{
		"Read a tea": "returns a tea", "List teas": "lists teas", "Find teas.": "finds teas",
		"Which teas are in stock?": "tells which teas are in stock", "Watch the pot": "watches the pot",
		"Tally cups": "tallies cups", "Survey cups": "surveys cups", "Brew": "brews",
	} {
		if got := (operation{summary: summary}).does(); got != want {
			t.Errorf("%q becomes %q, want %q", summary, got, want)
		}
	}
}

// TestWantsFollowFromTheContract compares generated answers with those that people wrote.
func TestWantsFollowFromTheContract(t *testing.T) {
	type want struct {
		Function string
		Answers  struct {
			StatusCode int `yaml:"statusCode"`
			Body       map[string]any
		}
	}
	operations, err := read("../../..")
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, o := range operations {
		var generated, all []want
		if err := yaml.Unmarshal([]byte(o.want("")), &generated); err != nil {
			t.Fatal(err)
		}
		name := "internal/verify/samlocal/testdata/" + o.service + ".yaml"
		if err := yaml.Unmarshal([]byte(contents(t, "../../..", name)), &all); err != nil {
			t.Fatal(err)
		}
		for _, written := range all {
			if written.Function != o.function || written.Answers.StatusCode != 200 {
				continue // their samples are refused
			}
			for member, value := range generated[0].Answers.Body {
				if is, ok := written.Answers.Body[member]; ok && value != "/.*/" {
					if same++; is != value {
						t.Errorf("%s: %s is %v, generated is %v", o.function, member, is, value)
					}
				}
			}
		}
	}
	if same < 5 {
		t.Errorf("%d values are too few to compare", same)
	}
}

// TestGeneratedEventEqualsAHandwrittenOne compares a generated event with an existing one.
func TestGeneratedEventEqualsAHandwrittenOne(t *testing.T) {
	operations, err := read("../../..")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(operations, func(o operation) bool { return o.id == "getOrder" })
	var got, want map[string]any
	if err := json.Unmarshal(operations[i].event(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(contents(t, "../../..", "events/orders/get-order.json")), &want); err != nil {
		t.Fatal(err)
	}
	for _, headers := range []string{"headers", "multiValueHeaders"} {
		delete(want[headers].(map[string]any), "traceparent")
	}
	if a, b := text(t, got), text(t, want); a != b {
		t.Errorf("generated\n%s\nwant\n%s", a, b)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
