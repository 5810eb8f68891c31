package sbom_test

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"orderflow/internal/dev/sbom"
)

var root = filepath.Join("..", "..", "..")

func generate(t *testing.T) (*sbom.BOM, []byte) {
	t.Helper()
	bom, err := sbom.Generate(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	data, err := bom.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return bom, data
}

func TestBillIsCycloneDX(t *testing.T) {
	bom, data := generate(t)
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.5", "spdx", "jsf-0.82"} {
		file, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name+".SNAPSHOT.schema.json", doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.5.SNAPSHOT.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(data []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(doc)
	}
	if err := validate(data); err != nil {
		t.Error(err)
	}
	if err := validate(bytes.Replace(data, []byte(`"SHA-512"`), []byte(`"SHA-0"`), 1)); err == nil {
		t.Error("a hash that CycloneDX does not know goes unnoticed")
	}
	for prefix, scope := range map[string]string{
		"pkg:golang/github.com/aws/aws-sdk-go-v2@": "required", "pkg:golang/std@": "required", "pkg:golang/pgregory.net/rapid@": "excluded",
		"pkg:golang/github.com/golangci/golangci-lint/v2@": "excluded", "pkg:golang/github.com/stripe/stripe-mock@": "excluded",
		"pkg:pypi/aws-sam-cli@": "excluded", "pkg:pypi/ministack@": "excluded", "pkg:npm/asl-validator@": "excluded", "pkg:maven/software.amazon.dynamodb/DynamoDBLocal@": "excluded",
	} {
		if bom.Count(scope, prefix) != 1 {
			t.Errorf("the bill has not one %s… of scope %s", prefix, scope)
		}
	}
}

func TestBillHasWhatIsInABinary(t *testing.T) {
	bom, _ := generate(t)
	listed := map[string]sbom.Component{}
	for _, c := range bom.Components {
		listed[c.BOMRef] = c
	}
	binary := filepath.Join(t.TempDir(), "place-order")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./functions/orders/place-order")
	build.Dir, build.Env = root, append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 5 {
		t.Fatalf("the binary names only %d modules", len(info.Deps))
	}
	for _, m := range info.Deps {
		c := listed["pkg:golang/"+m.Path+"@"+m.Version]
		if c.Scope != "required" || len(c.Hashes) != 1 {
			t.Errorf("%s %s is in a function, and in the bill as %+v", m.Path, m.Version, c)
		}
	}
}

func TestSameSourcesHaveTheSameBill(t *testing.T) {
	_, one := generate(t)
	_, two := generate(t)
	if !bytes.Equal(one, two) {
		t.Error("two bills differ")
	}
}
