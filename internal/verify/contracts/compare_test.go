package contracts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/verify/contracts"
)

const (
	spec   = "api/openapi.yaml"
	event  = "internal/orders/contract/orderflow.orders.order.created.v1.schema.json"
	source = "internal/orders/contract/steps.json"
)

const document = `openapi: 3.0.3
info: {title: T, version: 1.0.0}
paths:
  /v1/things:
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 9}}
      responses:
        '200': {description: D, content: {application/json: {
          schema: {type: object, required: [a], properties: {a: {type: string}}}}}}
`

// repository returns a repository with one commit of all three kinds of contracts.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, spec, document)
	write(t, dir, event, published)
	write(t, dir, source, published)
	write(t, dir, "internal/orders/orders.go", "package orders\n")
	git(t, dir, "init", "--quiet")
	commit(t, dir)
	return dir
}

func write(t *testing.T, dir, file, text string) {
	t.Helper()
	file = filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, dir string) {
	t.Helper()
	git(t, dir, "add", ".")
	git(t, dir, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "--allow-empty", "-m", "m")
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
	// Ignore the user's settings and the repository that a git hook sets.
	env := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GIT_") })
	cmd.Env = append(env, "GIT_CONFIG_GLOBAL=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
}

// program returns a fake oasdiff.
func program(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "oasdiff")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWithoutATagNothingIsCompared(t *testing.T) {
	r, err := contracts.Compare(t.Context(), repository(t), contracts.Tools{OASDiff: "no such program"})
	if err != nil || r.Tag != "" || len(r.Breaks) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestShallowCloneWithoutTagsIsRefused(t *testing.T) {
	from, dir := repository(t), filepath.Join(t.TempDir(), "clone")
	git(t, from, "tag", "v1.0.0")
	commit(t, from)
	git(t, from, "clone", "--quiet", "--depth", "1", "file://"+from, dir)
	if r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program(t, "exit 0")}); err == nil {
		t.Errorf("%+v", r)
	}
}

func TestWorkingTreeIsComparedWithTheLastTag(t *testing.T) {
	dir := repository(t)
	git(t, dir, "tag", "v1.0.0")
	write(t, dir, event, strings.Replace(published, `"note":`, `"remark":`, 1))
	commit(t, dir)
	git(t, dir, "tag", "v1.1.0") // the break is released: later changes are compared with it
	git(t, dir, "tag", "x9")
	commit(t, dir)
	r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program(t, "exit 0")})
	if err != nil || r.Tag != "v1.1.0" || r.Events != 1 || r.Steps != 1 || len(r.Breaks) > 0 {
		t.Errorf("unchanged: %+v, %v", r, err)
	}

	write(t, dir, event, published) // not committed
	write(t, dir, source, strings.Replace(published, `"state":`, `"status":`, 1))
	write(t, dir, "internal/orders/contract/orderflow.orders.order.lost.v1.schema.json", `{"type":"object"}`)
	gone := program(t, "echo 'error at x: gone'; exit 1")
	r, err = contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: gone})
	want := []string{spec + ": error at x: gone", event + ": /remark: was removed", source + ": /state: was removed"}
	if err != nil || len(r.Breaks) != len(want) {
		t.Fatalf("%q, %v; want %q", r.Breaks, err, want)
	}
	for i := range want {
		if !strings.HasPrefix(r.Breaks[i], want[i]) {
			t.Errorf("%q, want %q", r.Breaks[i], want[i])
		}
	}
}

func TestRemovedContractIsABreak(t *testing.T) {
	dir := repository(t)
	git(t, dir, "tag", "v1.0.0")
	if err := os.RemoveAll(filepath.Join(dir, "internal/orders/contract")); err != nil {
		t.Fatal(err)
	}
	r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program(t, "exit 0")})
	if err != nil || len(r.Breaks) != 2 {
		t.Errorf("%q, %v", r.Breaks, err)
	}
}

func TestFailingOasdiffIsAnError(t *testing.T) {
	dir := repository(t)
	git(t, dir, "tag", "v1.0.0")
	for name, oasdiff := range map[string]string{
		"missing": filepath.Join(dir, "none"), "cannot read": program(t, "echo no >&2; exit 102"),
		"silent": program(t, "exit 1"),
	} {
		if r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: oasdiff}); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestBreakListedWithAnADRIsAccepted(t *testing.T) {
	const list = "api/accepted-breaks.txt"
	removed := source + ": was removed, but what was published under it is still read"
	for name, c := range map[string]struct {
		accepted string
		breaks   []string
	}{
		"no list": {"", []string{removed}},
		"listed":  {"# why\n\n0042 steps.json: was removed\n", nil},
		"other words": {"0042 was renamed\n",
			[]string{removed, list + `: no break matches "0042 was renamed": remove the line`}},
		"no such ADR": {"0043 was removed\n", []string{removed, list + ": ADR 0043 does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t)
			git(t, dir, "tag", "v1.0.0")
			write(t, dir, "docs/adr/0042-why.md", "# 42. Why\n")
			if c.accepted != "" {
				write(t, dir, list, c.accepted)
			}
			if err := os.Remove(filepath.Join(dir, source)); err != nil {
				t.Fatal(err)
			}
			r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program(t, "")})
			if err != nil || !slices.Equal(r.Breaks, c.breaks) || len(r.Accepted) != 1-min(1, len(c.breaks)) {
				t.Errorf("got %q, accepted %q, %v", r.Breaks, r.Accepted, err)
			}
		})
	}
	dir := repository(t)
	git(t, dir, "tag", "v1.0.0")
	write(t, dir, list, "was removed\n")
	if _, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program(t, "")}); err == nil {
		t.Error("a line without an ADR is accepted")
	}
}

// `make lint` installs oasdiff, and CI lints first.
func TestFindingsOfOasdiffAreBreaks(t *testing.T) {
	oasdiff, err := filepath.Abs("../../../.tools/bin/oasdiff")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(oasdiff); err != nil {
		t.Skip("oasdiff is not installed: run `go run ./cmd/dev contracts`")
	}
	dir := repository(t)
	git(t, dir, "tag", "v1.0.0")
	for name, c := range map[string]struct {
		from, to string
		breaks   bool
	}{
		"nothing":             {"", "", false},
		"new answer's field":  {"{a: {type: string}}", "{a: {type: string}, b: {type: string}}", false},
		"removed path":        {"/v1/things", "/v1/stuff", true},
		"removed operation":   {"    get:", "    put:", true},
		"narrower parameter":  {"maximum: 9", "maximum: 8", true},
		"new parameter":       {"schema: {type: integer", "required: true, schema: {type: integer", true},
		"answer's field gone": {"required: [a], properties: {a: {type: string}}", "properties: {}", true},
		"answer's type":       {"{a: {type: string}}", "{a: {type: integer}}", true},
		"optional answer":     {"required: [a], ", "", true},
	} {
		write(t, dir, spec, strings.Replace(document, c.from, c.to, 1))
		r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: oasdiff})
		if err != nil || (len(r.Breaks) > 0) != c.breaks {
			t.Errorf("%s: %q, %v", name, r.Breaks, err)
		}
	}
}

// `make lint` installs buf, and CI lints first.
func TestFindingsOfBufAreBreaks(t *testing.T) {
	buf, err := filepath.Abs("../../../.tools/node/node_modules/.bin/buf")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(buf); err != nil {
		t.Skip("buf is not installed: run `go run ./cmd/dev contracts`")
	}
	const file, messages = "api/proto/t/v1/t.proto", `syntax = "proto3";
package t.v1;
message Thing {
  string name = 1;
}
`
	dir := repository(t)
	write(t, dir, "api/proto/buf.yaml", "version: v2\nbreaking: {use: [FILE]}\n")
	write(t, dir, file, messages)
	commit(t, dir)
	git(t, dir, "tag", "v1.0.0")
	for name, c := range map[string]struct {
		from, to string
		breaks   bool
	}{
		"nothing":       {"", "", false},
		"new field":     {"= 1;", "= 1;\n  string more = 2;", false},
		"other type":    {"string", "int64", true},
		"other name":    {"name", "title", true},
		"other number":  {"= 1", "= 2", true},
		"removed":       {"message Thing", "message Stuff", true},
		"other package": {"package t.v1", "package t.v2", true},
	} {
		write(t, dir, file, strings.Replace(messages, c.from, c.to, 1))
		r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program(t, ""), Buf: buf})
		if err != nil || (len(r.Breaks) > 0) != c.breaks {
			t.Errorf("%s: %q, %v", name, r.Breaks, err)
		}
	}
	for name, program := range map[string]string{"missing": "/none", "cannot read": program(t, "exit 1")} {
		if r, err := contracts.Compare(t.Context(), dir, contracts.Tools{OASDiff: program, Buf: program}); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
