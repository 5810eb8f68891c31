package devstack

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestBillListsTheModulesOfABinary(t *testing.T) {
	repo, err := FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var bills [2][]byte
	for i := range bills {
		file := filepath.Join(dir, "sbom.json")
		if err := repo.BillOfMaterials(t.Context(), NewReporter(t.Output()), file); err != nil {
			t.Fatal(err)
		}
		if bills[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(bills[0], bills[1]) {
		t.Error("two bills of the same sources differ")
	}
	var bill struct {
		BOMFormat, SpecVersion string
		Components             []struct {
			PURL, Scope string
			Hashes      []struct{ Alg string }
		}
	}
	if err := json.Unmarshal(bills[0], &bill); err != nil || bill.BOMFormat != "CycloneDX" ||
		bill.SpecVersion != "1.5" {
		t.Errorf("not CycloneDX 1.5: %.200s, %v", bills[0], err)
	}
	scopes := map[string]string{}
	for _, c := range bill.Components {
		if len(c.Hashes) == 1 {
			scopes[c.PURL] = c.Scope
		}
	}
	binary := filepath.Join(dir, "place-order")
	err = command{dir: string(repo), env: environ("GOOS=linux", "CGO_ENABLED=0"), name: "go",
		args: []string{"build", "-o", binary, "./functions/orders/place-order"}}.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 5 {
		t.Fatalf("the binary names only %d modules", len(info.Deps))
	}
	for _, m := range info.Deps {
		if purl := "pkg:golang/" + m.Path + "@" + m.Version; scopes[purl] != "required" {
			t.Errorf("%s is in a function, but its scope in the bill is %q", purl, scopes[purl])
		}
	}
}
