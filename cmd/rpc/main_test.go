package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestTheImageHasAllThatTheBinaryNeeds cannot build the image, which needs an engine and a
// registry. It checks what the file copies and says.
func TestTheImageHasAllThatTheBinaryNeeds(t *testing.T) {
	b, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	file := string(b)
	_, last, _ := strings.Cut(file, "\nFROM scratch\n")
	for _, want := range []string{"COPY --from=build /rpc /rpc", "ca-certificates.crt", "\nUSER 65532:65532\n"} {
		if !strings.Contains(last, want) {
			t.Errorf("the last stage lacks %q", want)
		}
	}
	if !strings.Contains(file, "CGO_ENABLED=0") {
		t.Error("the binary is not static")
	}
	version, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(version))[1]
	if !strings.Contains(file, "golang:"+want+" ") {
		t.Errorf("the image is not built with Go %s", want)
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		"{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(strings.TrimPrefix(path, "orderflow/"), "/")
		if path != "orderflow/cmd/rpc" && !strings.Contains(file, "\nCOPY "+top+" "+top+"\n") {
			t.Errorf("%s is not copied", path)
		}
		for _, never := range []string{"/internal/verify", "/internal/dev", "/internal/ops"} {
			if strings.Contains(path, never) {
				t.Errorf("the binary links %s", path)
			}
		}
	}
}
