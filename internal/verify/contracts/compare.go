package contracts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"orderflow/internal/platform/jsonschema"
)

// spec is the contract of the HTTP API.
const spec = "api/openapi.yaml"

// Result is the result of a comparison.
type Result struct {
	Tag           string   // the release compared with; empty before the first one
	Events, Steps int      // number of event schemas, and of services with steps, in the release
	Breaks        []string // what breaks users of the release, with the file
	Accepted      []string // breaks that an ADR accepts
}

// Compare compares the contracts of the working tree at dir with its last tag v*. The program
// oasdiff compares the HTTP API. Compare fails in a shallow clone without tags.
func Compare(ctx context.Context, dir, oasdiff string) (Result, error) {
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
	for _, file := range strings.Fields(string(files)) {
		var compare func(before, after []byte) ([]string, error)
		switch base := path.Base(file); {
		case file == spec:
			compare = func(before, _ []byte) ([]string, error) {
				return openAPI(ctx, oasdiff, before, filepath.Join(dir, spec))
			}
		case path.Base(path.Dir(file)) != "contract":
			continue
		case strings.HasSuffix(base, ".schema.json"):
			r.Events++
			compare = texts
		case base == "steps.json":
			r.Steps++
			compare = texts
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
	slices.Sort(r.Breaks)
	return r, r.accept(dir)
}

// tree is a working tree of git.
type tree struct {
	ctx context.Context
	dir string
}

func (g tree) git(args ...string) ([]byte, error) {
	args = append([]string{"-C", g.dir}, args...)
	cmd := exec.CommandContext(g.ctx, "git", args...) //nolint:gosec // our own arguments
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[2], err, strings.TrimSpace(failure.String()))
	}
	return out, nil
}

var errShallow = errors.New("the clone is shallow and has no tags: run `git fetch --tags --unshallow`")

func (g tree) lastTag() (string, error) {
	tags, err := g.git("tag", "--merged", "HEAD", "--list", "v*")
	if err != nil {
		return "", err
	}
	if len(bytes.TrimSpace(tags)) == 0 {
		shallow, err := g.git("rev-parse", "--is-shallow-repository")
		if err == nil && strings.TrimSpace(string(shallow)) == "true" {
			err = errShallow
		}
		return "", err
	}
	tag, err := g.git("describe", "--tags", "--abbrev=0", "--match", "v*")
	return strings.TrimSpace(string(tag)), err
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
	return compare(before, after)
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
	was, err := os.CreateTemp("", "openapi-*.yaml")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(was.Name()) }()
	_, err = was.Write(before)
	if err = errors.Join(err, was.Close()); err != nil {
		return nil, err
	}
	args := []string{"breaking", "--fail-on", "WARN", "--format", "singleline", "--color", "never", was.Name(), after}
	cmd := exec.CommandContext(ctx, oasdiff, args...) //nolint:gosec // the tool that we were given
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err == nil {
		return nil, nil
	}
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		return nil, fmt.Errorf("oasdiff: %w: %s", err, strings.TrimSpace(failure.String()))
	}
	var breaks []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(strings.NewReplacer(was.Name(), "its last release", after, spec).Replace(line))
		if strings.HasPrefix(line, "error") || strings.HasPrefix(line, "warning") {
			breaks = append(breaks, line)
		}
	}
	if len(breaks) == 0 {
		return nil, fmt.Errorf("oasdiff failed without reporting a break: %s", out)
	}
	return breaks, nil
}
