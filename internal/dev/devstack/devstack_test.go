package devstack

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/awsapi"
)

func put(t *testing.T, repo Repo, path, content string) {
	t.Helper()
	if err := writeFile(repo.Path(path), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDuplicateFunctionNamesAreRefused(t *testing.T) {
	repo := Repo(t.TempDir())
	put(t, repo, "functions/orders/relay-events/main.go", "package main")
	put(t, repo, "functions/orders/get-order/main.go", "package main")
	if fs, err := repo.Functions(); err != nil || len(fs) != 2 {
		t.Fatalf("got %v, %v; want both functions", fs, err)
	}
	put(t, repo, "functions/catalog/relay-events/main.go", "package main")
	_, err := repo.Functions()
	if err == nil || !strings.Contains(err.Error(), "functions/orders/relay-events") ||
		!strings.Contains(err.Error(), "functions/catalog/relay-events") {
		t.Fatalf("got %v; want an error that names both directories", err)
	}
}

func TestUnchangedFunctionKeepsItsPackage(t *testing.T) {
	repo := Repo(t.TempDir())
	put(t, repo, "go.mod", "module orderflow\n\ngo 1.26\n")
	put(t, repo, "functions/demo/first/main.go", "package main\nfunc main() {}\n")
	put(t, repo, "functions/demo/second/main.go", "package main\nfunc main() {}\n")
	packages := func() map[string]string {
		t.Helper()
		if err := repo.Build(t.Context(), nil, Host()); err != nil {
			t.Fatal(err)
		}
		content := map[string]string{}
		for _, name := range []string{"first", "second"} {
			data, err := os.ReadFile(repo.Path(".build", "functions", name+".zip"))
			if err != nil {
				t.Fatal(err)
			}
			content[name] = string(data)
		}
		return content
	}
	before := packages()
	fingerprint, err := repo.fingerprint(deployedInputs, nil)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.RemoveAll(repo.Path(".build")); err != nil {
		t.Fatal(err)
	}
	again := packages()
	if again["first"] != before["first"] || again["second"] != before["second"] {
		t.Error("rebuilding the same sources gave different packages")
	}
	if same, err := repo.fingerprint(deployedInputs, nil); err != nil || same != fingerprint {
		t.Errorf("fingerprint of the same sources differs (%v)", err)
	}

	second := repo.Path(".build", "functions", "second.zip")
	kept, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	put(t, repo, "functions/demo/first/main.go", "package main\nfunc main() { println(1) }\n")
	changed := packages()
	if now, err := os.Stat(second); err != nil || !os.SameFile(now, kept) {
		t.Errorf("the unchanged function was packed again (%v)", err)
	}
	if changed["first"] == before["first"] {
		t.Error("the package of the changed function did not change")
	}
	if changed["second"] != before["second"] {
		t.Error("the package of the unchanged function changed")
	}
	if other, err := repo.fingerprint(deployedInputs, nil); err != nil || other == fingerprint {
		t.Errorf("a changed function did not change the fingerprint (%v)", err)
	}
}

func TestRemovedFunctionIsNotDeployable(t *testing.T) {
	repo := Repo(t.TempDir())
	put(t, repo, "go.mod", "module orderflow\n\ngo 1.26\n")
	put(t, repo, "functions/demo/kept/main.go", "package main\nfunc main() {}\n")
	put(t, repo, ".build/functions/gone/bootstrap", "old")
	put(t, repo, ".build/functions/gone.zip", "old")
	if err := repo.Build(t.Context(), nil, Host()); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(repo.Path(".build", "functions", "gone*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left of a removed function: %v %v", left, err)
	}
}

func TestEveryDeployedInputChangesTheFingerprint(t *testing.T) {
	repo := Repo(t.TempDir())
	seen := map[string]string{}
	for _, path := range []string{"template.yaml", "sandbox/template.yaml", "sandbox/openapi.yaml",
		"sandbox/warehouse.yaml", "api/openapi.yaml",
		"statemachines/fulfil-order.asl.json", ".build/functions/a.zip"} {
		put(t, repo, path, "1")
		fingerprint, err := repo.fingerprint(deployedInputs, nil)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := seen[fingerprint]; taken {
			t.Errorf("the fingerprint is the same for %s and %s", path, other)
		}
		seen[fingerprint] = path
	}
	if fingerprint, err := repo.fingerprint(deployedInputs, []string{"Stage=other"}); err != nil ||
		seen[fingerprint] != "" {
		t.Errorf("the fingerprint leaves the parameters out (%v)", err)
	}
}

func TestToolIsCurrentWhileItsRequirementsAre(t *testing.T) {
	repo := Repo(t.TempDir())
	put(t, repo, "tools/sam.txt", "aws-sam-cli==1")
	s := repo.python("sam")
	expect := func(want bool, when string) {
		t.Helper()
		if got, err := s.current(); err != nil || got != want {
			t.Errorf("%s: current is %v, %v", when, got, err)
		}
	}
	expect(false, "before installing")
	put(t, repo, ".tools/sam/bin/python", "")
	if err := s.write(); err != nil {
		t.Fatal(err)
	}
	expect(true, "after installing")
	put(t, repo, "tools/sam.txt", "aws-sam-cli==2")
	expect(false, "after new requirements")
	put(t, repo, "tools/sam.txt", "aws-sam-cli==1")
	if err := os.Remove(repo.Path(".tools", "sam", "bin", "python")); err != nil {
		t.Fatal(err)
	}
	expect(false, "without its program")
}

func TestMakefileAndBuildUseOneSetOfGoFlags(t *testing.T) {
	makefile, err := os.ReadFile("../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if line := "\nexport GOFLAGS := " + GoFlags + "\n"; !strings.Contains(string(makefile), line) {
		t.Errorf("the Makefile has no line %q", strings.TrimSpace(line))
	}
}

func TestProcessThatReusesAnIDIsNotOurs(t *testing.T) {
	me, err := identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !me.alive() {
		t.Error("this process is not found alive")
	}
	me.Started += "0"
	if me.alive() {
		t.Error("a process with another start time counts as this one")
	}
}

func TestStopLeavesOnlyTheLog(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is needed to run the emulator")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the tools may have to be installed
	defer cancel()
	e, err := StartEmulator(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Stop() })
	if err := e.rest(ctx, "s3", http.MethodPut, "/bucket", nil, nil); err != nil {
		t.Errorf("the emulator does not serve: %v", err)
	}
	err = e.api().JSON(ctx, "logs", "Logs_20140328.FilterLogEvents", map[string]any{"logGroupName": "none"}, nil)
	if !awsapi.Failed(err, "ResourceNotFoundException") {
		t.Errorf("got %v; want the service's own error", err)
	}
	if len(groupMembers(e.Process.PID)) == 0 {
		t.Error("the emulator's process group was not found")
	}

	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	if left := groupMembers(e.Process.PID); len(left) != 0 {
		t.Errorf("processes %v are left", left)
	}
	if e.Healthy(ctx) {
		t.Error("it answers after Stop")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "emulator.log" {
		t.Errorf("left in the directory: %v %v; want the log only", entries, err)
	}
	if err := e.Stop(); err != nil {
		t.Errorf("stopping again: %v", err)
	}
}

func TestStartErrorHasTheEndOfTheLog(t *testing.T) {
	repo := Repo(t.TempDir())
	python := repo.Path(".tools", "ministack", "bin", "python")
	put(t, repo, ".tools/ministack/bin/python", "#!/bin/sh\necho no module named ministack >&2\nexit 1\n")
	if err := os.Chmod(python, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := launch(t.Context(), Options{Repo: repo, Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "no module named ministack") {
		t.Errorf("got %v; want the end of the log", err)
	}
}

func TestGatewayResponsesUseTheParametersOfALocalStack(t *testing.T) {
	responses, err := Repo("../../..").gatewayResponses("template.yaml", "api/openapi.yaml")
	if err != nil || len(responses) < 10 {
		t.Fatalf("%d answers, %v", len(responses), err)
	}
	for kind, r := range responses {
		parameters, _ := r.(map[string]any)["responseParameters"].(map[string]any)
		if parameters["gatewayresponse.header.Access-Control-Allow-Origin"] != "'*'" {
			t.Errorf("%s: %v", kind, parameters)
		}
		for name, v := range parameters {
			if _, ok := v.(string); !ok {
				t.Errorf("%s: %s is %v", kind, name, v)
			}
		}
	}
}
