package scaffold

import (
	"encoding/json"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const contract = `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{
"/v1/teas/{sku}":{"get":{"operationId":"getTea","summary":"Read a tea","security":[{"customer":[]}],
	"parameters":[{"name":"sku","in":"path","required":true,"schema":{"type":"string"},"example":"OOLONG"}],
	"responses":{"200":{"description":"ok"}}}},
"/v1/teas":{"post":{"operationId":"brewTea","summary":"Brew","responses":{"204":{"description":"ok"}}}}}}`

func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"api/openapi.yaml":     contract,
		"deploy/teahouse.yaml": "functions: [{function: get-tea, http: open}, {function: brew-tea, http: open}]\n",
		"docs/orderflow.http":  "# requests\n",
		"internal/teahouse/README.md": "# teahouse\n\n| function | called by | does |\n|---|---|---|\n" +
			"| brew-tea, pour-tea | `POST /v1/teas` | brews |\n\nTeas are hot.\n",
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
	files := []string{
		"events/teahouse/get-tea.json", "functions/teahouse/get-tea/main.go", "docs/orderflow.http",
		"internal/teahouse/README.md",
	}
	if len(written) != len(files) {
		t.Errorf("wrote %q, want %q", written, files)
	}
	for name, text := range map[string]string{
		files[0]: `"sku": "OOLONG"`,
		files[1]: `func main() { function.Start("teahouse", "get-tea", handler.GetTea) }`,
		files[2]: "# @name getTea\n# expect 200\nGET {{apiUrl}}/v1/teas/OOLONG\n" +
			"Authorization: Bearer {{customerToken}}\n",
		files[3]: "brews |\n| get-tea | `GET /v1/teas/{sku}` | read a tea |\n\nTeas are hot.\n",
	} {
		got := contents(t, root, name)
		if !slices.Contains(written, filepath.Join(root, name)) || !strings.Contains(got, text) {
			t.Errorf("%s: %s, want %s", name, got, text)
		}
	}
	text := contents(t, root, files[1])
	if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
		t.Errorf("%v; not as gofmt has it:\n%s", err, text)
	}
	if err := os.WriteFile(filepath.Join(root, files[1]), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := Write(root)
	if err != nil || len(again) > 0 || contents(t, root, files[1]) != "mine" {
		t.Errorf("wrote %q again, %v", again, err)
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
