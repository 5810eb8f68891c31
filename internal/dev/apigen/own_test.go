package apigen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

const kettles = `
openapi: 3.0.3
info: { title: Kettles, version: 1.0.0 }
tags: [{ name: kettles, description: Kettles. }]
paths:
  /v1/kettles:
    get:
      operationId: listKettles
      tags: [kettles]
      summary: List kettles
      description: All of them.
      security: [{ customer: [] }]
      x-orderflow-group: operator
      parameters: [{ $ref: '#/components/parameters/Limit' }]
      responses:
        '200':
          description: Kettles.
          content: { application/json: { schema: { $ref: '#/components/schemas/Kettles' },
            examples: { none: { value: [] } } } }
components:
  schemas:
    Kettles: { type: array, items: { $ref: '#/components/schemas/Sku' } }
`

func core(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../../api/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestContractOfItsOwnBorrowsWhatItRefersTo(t *testing.T) {
	text, err := own("kettles", kettles, core(t))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err == nil {
		err = doc.Validate(t.Context(), openapi3.EnableExamplesValidation())
	}
	if err != nil {
		t.Fatal(err)
	}
	if doc.Components.Schemas["Sku"] == nil || doc.Components.Schemas["Order"] != nil {
		t.Errorf("the schemas are %v, want those that it refers to, also in its own", doc.Components.Schemas)
	}
	path := doc.Paths.Value("/v1/kettles")
	if path.Get.Responses.Value("403") == nil || path.Head == nil {
		t.Error("the rules of the core's contract do not apply")
	}
	for _, want := range []string{
		"functions/${ListKettlesFunction.Arn}/invocations", "${Core}-UserPoolId",
		"x-amazon-apigateway-gateway-responses:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %s", want)
		}
	}
	if strings.Contains(text, "UserPool, Arn") || strings.Contains(text, "CheckLiveness") {
		t.Error("it names resources of the core's template")
	}
}

func TestContractOfItsOwnWithoutAComponentIsRefused(t *testing.T) {
	_, err := own("kettles", strings.ReplaceAll(kettles, "schemas/Sku", "schemas/Pot"), core(t))
	if err == nil || !strings.Contains(err.Error(), "schemas/Pot") {
		t.Errorf("got %v, want an error about schemas/Pot", err)
	}
}

func TestContractsOfTheirOwnAreUpToDate(t *testing.T) {
	const root = "../../.."
	for _, service := range owners(root) {
		spec, files, err := ownFiles(root, service, core(t))
		if err != nil {
			t.Fatal(err)
		}
		current(t, filepath.Join(root, "stacks", service, "openapi.yaml"), spec)
		dir := filepath.Join(root, "internal", service, "contract", "operations")
		for name, content := range files {
			current(t, filepath.Join(dir, name), content)
		}
		if present, err := os.ReadDir(dir); err != nil || len(present) != len(files) {
			t.Errorf("%s has %d files, want %d: run `go run ./cmd/dev generate` (%v)", dir, len(present), len(files), err)
		}
	}
}

func current(t *testing.T, file string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Errorf("%s is out of date: run `go run ./cmd/dev generate` (%v)", file, err)
	}
}
