// Package contracts checks that published contracts only grow.
//
// Two versions of everything run side by side: during a rollout or rollback, while old events are
// in a dead-letter queue, while sagas finish under the previous definition. So a version of an
// event type ("….v1") and the input and result of a step may only gain optional fields. Any other
// change needs a new version beside the old one. For the HTTP API the rules are oasdiff's, for
// protobuf buf's.
//
// Compare compares a working tree with its last tag; Schemas is the rule alone. A service's
// contract/steps.json has the schemas of its steps' inputs and results. A test generates it from
// their Go types.
package contracts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"orderflow/internal/platform/jsonschema"
)

const (
	// spec is the contract of the HTTP API.
	spec = "api/openapi.yaml"
	// protos is the directory of the protobuf contract.
	protos = "api/proto"
)

// Tools are the programs that compare the HTTP API and the protobuf contract.
type Tools struct{ OASDiff, Buf string }

// Result is the result of a comparison.
type Result struct {
	Tag           string   // the release compared with; empty before the first one
	Events, Steps int      // number of event schemas, and of services with steps, in the release
	Breaks        []string // breaking changes for users of the release, with the file
	Accepted      []string // breaks that an ADR accepts
}

// Compare compares the contracts of the working tree at dir with its last tag v*. It fails in a
// shallow clone without tags.
func Compare(ctx context.Context, dir string, tools Tools) (Result, error) {
	g := tree{ctx, dir}
	var r Result
	var err error
	if r.Tag, err = g.lastTag(); err != nil || r.Tag == "" {
		return r, err
	}
	files, err := g.git("ls-tree", "-r", "--name-only", r.Tag)
	if err != nil {
		return r, err
	}
	var messages []string
	for _, file := range strings.Fields(files) {
		compare := texts
		switch inContract := path.Base(path.Dir(file)) == "contract"; {
		case strings.HasPrefix(file, protos+"/"):
			messages = append(messages, file)
			continue
		case file == spec:
			compare = func(before, _ []byte) ([]string, error) {
				return openAPI(ctx, tools.OASDiff, before, filepath.Join(dir, spec))
			}
		case inContract && strings.HasSuffix(file, ".schema.json"):
			r.Events++
		case inContract && path.Base(file) == "steps.json":
			r.Steps++
		default:
			continue
		}
		breaks, err := g.compare(r.Tag, file, compare)
		if err != nil {
			return r, fmt.Errorf("%s: %w", file, err)
		}
		for _, b := range breaks {
			r.Breaks = append(r.Breaks, file+": "+b)
		}
	}
	if len(messages) > 0 {
		breaks, err := g.protobuf(tools.Buf, r.Tag, messages)
		if err != nil {
			return r, err
		}
		r.Breaks = append(r.Breaks, breaks...)
	}
	slices.Sort(r.Breaks)
	return r, r.accept(dir)
}

// tree is a git working tree.
type tree struct {
	ctx context.Context
	dir string
}

func (g tree) git(args ...string) (string, error) {
	return output(exec.CommandContext(g.ctx, "git", append([]string{"-C", g.dir}, args...)...)) //nolint:gosec // ours
}

// output runs a program; its error has what the program printed.
func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s: %w: %s", cmd, err, bytes.TrimSpace(exit.Stderr))
	}
	return string(out), err
}

var errShallow = errors.New("the clone is shallow and has no tags: run `git fetch --tags --unshallow`")

func (g tree) lastTag() (string, error) {
	tags, err := g.git("tag", "--merged", "HEAD", "--list", "v*")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(tags) == "" {
		shallow, err := g.git("rev-parse", "--is-shallow-repository")
		if err == nil && strings.TrimSpace(shallow) == "true" {
			err = errShallow
		}
		return "", err
	}
	tag, err := g.git("describe", "--tags", "--abbrev=0", "--match", "v*")
	return strings.TrimSpace(tag), err
}

// compare compares a file of the tag with that of the working tree.
func (g tree) compare(tag, file string, compare func(before, after []byte) ([]string, error)) ([]string, error) {
	before, err := g.git("show", tag+":"+file)
	if err != nil {
		return nil, err
	}
	after, err := os.ReadFile(filepath.Join(g.dir, file)) //nolint:gosec // a file of the repository
	if errors.Is(err, os.ErrNotExist) {
		return []string{"was removed, but what was published under it is still read"}, nil
	}
	if err != nil {
		return nil, err
	}
	return compare([]byte(before), after)
}

func texts(before, after []byte) ([]string, error) {
	was, err := jsonschema.Parse(before)
	if err != nil {
		return nil, fmt.Errorf("in the release: %w", err)
	}
	is, err := jsonschema.Parse(after)
	if err != nil {
		return nil, err
	}
	return Schemas(was, is), nil
}

// openAPI returns the changes that oasdiff reports as errors or warnings.
func openAPI(ctx context.Context, oasdiff string, before []byte, after string) ([]string, error) {
	dir, err := os.MkdirTemp("", "openapi-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	was := filepath.Join(dir, "openapi.yaml")
	if err := os.WriteFile(was, before, 0o600); err != nil {
		return nil, err
	}
	out, err := output(exec.CommandContext(ctx, oasdiff, "breaking", "--fail-on", "WARN", //nolint:gosec // our tool
		"--format", "singleline", "--color", "never", was, after))
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) || exit.ExitCode() != 1 {
		return nil, err
	}
	var breaks []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(strings.NewReplacer(was, "its last release", after, spec).Replace(line))
		if strings.HasPrefix(line, "error") || strings.HasPrefix(line, "warning") {
			breaks = append(breaks, line)
		}
	}
	if len(breaks) == 0 {
		return nil, fmt.Errorf("oasdiff failed without reporting a break: %s", out)
	}
	return breaks, nil
}

// protobuf returns the breaking changes of the protobuf contract. files are the files of the tag.
func (g tree) protobuf(buf, tag string, files []string) ([]string, error) {
	was, err := os.MkdirTemp("", "proto-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(was) }()
	for _, file := range files {
		text, err := g.git("show", tag+":"+file)
		if err != nil {
			return nil, err
		}
		to := filepath.Join(was, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	against := filepath.Join(was, protos)
	cmd := exec.CommandContext(g.ctx, buf, "breaking", protos, "--against", against) //nolint:gosec // our tool
	cmd.Dir = g.dir
	out, err := output(cmd)
	var exit *exec.ExitError
	const found = 100
	if errors.As(err, &exit) && exit.ExitCode() == found && out != "" {
		return strings.Split(strings.TrimSpace(out), "\n"), nil
	}
	return nil, err
}

var errBroken = errors.New("breaking changes of contracts: add a new version beside the old one")

// Check compares the contracts of the tree at dir with its last release, writes the result and
// fails on breaks.
func Check(ctx context.Context, w io.Writer, dir string, tools Tools) error {
	r, err := Compare(ctx, dir, tools)
	switch {
	case err != nil:
		return err
	case r.Tag == "":
		fmt.Fprintln(w, "contracts: no tag v* yet, nothing to compare with")
		return nil
	}
	fmt.Fprintf(w, "contracts: compared with %s: the HTTP API, protobuf, %d event schemas, the steps of %d services; ",
		r.Tag, r.Events, r.Steps)
	fmt.Fprintf(w, "%d breaks, %d more accepted by ADRs\n", len(r.Breaks), len(r.Accepted))
	for _, b := range r.Breaks {
		fmt.Fprintln(w, "  "+b)
	}
	if len(r.Breaks) > 0 {
		return errBroken
	}
	return nil
}
