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

// Result is what a comparison found.
type Result struct {
	// Tag is the release that was compared with; empty where there is none yet.
	Tag string
	// Events and Steps are how many schemas of events, and of services with steps, the release had.
	Events, Steps int
	// Breaks say, each with its file, what breaks those who know the release.
	Breaks []string
	// Accepted are breaks that were decided on, each by an ADR.
	Accepted []string
}

// Compare holds the contracts in the working tree at dir to those of the last tag v* that it descends from. The HTTP API is compared by
// the program oasdiff. It fails for a clone that has no tags because it is shallow.
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
	cmd := exec.CommandContext(g.ctx, "git", append([]string{"-C", g.dir}, args...)...) //nolint:gosec // our own arguments
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(failure.String()))
	}
	return out, nil
}

var errShallow = errors.New("this clone is shallow and has no tags: fetch them (`git fetch --tags --unshallow`), or nothing is compared")

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

// compare hands a file of the tag and of the working tree to the comparison.
func (g tree) compare(tag, file string, compare func(before, after []byte) ([]string, error)) ([]string, error) {
	before, err := g.git("show", tag+":"+file)
	if err != nil {
		return nil, err
	}
	after, err := os.ReadFile(filepath.Join(g.dir, file)) //nolint:gosec // a file of the repository
	if errors.Is(err, os.ErrNotExist) {
		return []string{"was removed: what was published under it is still read"}, nil
	}
	if err != nil {
		return nil, err
	}
	return compare(before, after)
}

func texts(before, after []byte) ([]string, error) {
	was, err := jsonschema.Parse(before)
	if err != nil {
		return nil, fmt.Errorf("as it was: %w", err)
	}
	is, err := jsonschema.Parse(after)
	if err != nil {
		return nil, err
	}
	return Schemas(was, is), nil
}

// openAPI returns what oasdiff finds that breaks, or may break, clients.
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
	cmd := exec.CommandContext(ctx, oasdiff, "breaking", "--fail-on", "WARN", "--format", "singleline", "--color", "never", was.Name(), after) //nolint:gosec // the tool that we were given
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
		line = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(line, was.Name(), "its last release"), after, spec))
		if strings.HasPrefix(line, "error") || strings.HasPrefix(line, "warning") {
			breaks = append(breaks, line)
		}
	}
	if len(breaks) == 0 {
		return nil, fmt.Errorf("oasdiff refuses the document without a reason that is understood: %s", out)
	}
	return breaks, nil
}
