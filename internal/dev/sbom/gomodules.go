package sbom

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// module is our own Go module, the subject of the bill.
const module = "orderflow"

// goPackage is what `go list` tells of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path, Version string }
}

// in returns the reference of the component that the package is in.
func (p goPackage) in() string {
	switch {
	case p.Standard:
		return golang("std", strings.TrimPrefix(runtime.Version(), "go"))
	case p.Module == nil || p.Module.Path == module:
		return module
	}
	return golang(p.Module.Path, p.Module.Version)
}

func golang(path, version string) string { return "pkg:golang/" + path + "@" + version }

// goModules returns the modules of all packages that our functions, tools and tests are compiled from, and which imports which.
func goModules(ctx context.Context, root string) ([]Component, []Dependency, error) {
	hashes, err := goSum(filepath.Join(root, "go.sum"))
	if err != nil {
		return nil, nil, err
	}
	components := map[string]Component{}
	imports := map[string]map[string]bool{module: {}}
	for _, of := range []struct {
		scope    string
		patterns []string
	}{{excluded, []string{"-test", "./..."}}, {required, []string{"./functions/...", "./sandbox/functions/..."}}} {
		packages, err := list(ctx, root, of.patterns...)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range packages {
			from := p.in()
			if from != module {
				path, version, _ := strings.Cut(strings.TrimPrefix(from, "pkg:golang/"), "@")
				components[from] = Component{Type: "library", BOMRef: from, PURL: from, Name: path, Version: version, Scope: of.scope, Hashes: hashes[path+" "+version]}
			}
			if imports[from] == nil {
				imports[from] = map[string]bool{}
			}
			for _, imported := range p.Imports {
				if to, known := packages[imported]; known && to.in() != from {
					imports[from][to.in()] = true
				}
			}
		}
	}
	var dependencies []Dependency
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		dependencies = append(dependencies, Dependency{Ref: from, DependsOn: slices.Sorted(maps.Keys(imports[from]))})
	}
	return slices.Collect(maps.Values(components)), dependencies, nil
}

// list returns the packages that those of the patterns are compiled from, with them, by import path.
func list(ctx context.Context, root string, patterns ...string) (map[string]goPackage, error) {
	args := append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,Module"}, patterns...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	// As functions are built, whatever machine this is.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=-tags=lambda.norpc")
	out, err := cmd.Output()
	if err != nil {
		return nil, failed(cmd, err)
	}
	packages := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, err
		}
		packages[p.ImportPath] = p
	}
}

// goTools returns the modules of the tools in Go, all of which their go.mod lists.
func goTools(ctx context.Context, root string) ([]Component, error) {
	files, err := filepath.Glob(filepath.Join(root, "tools", "*", "go.mod"))
	if err != nil {
		return nil, err
	}
	var all []Component
	for _, file := range files {
		cmd := exec.CommandContext(ctx, "go", "mod", "edit", "-json", file)
		out, err := cmd.Output()
		if err != nil {
			return nil, failed(cmd, err)
		}
		var mod struct {
			Require []struct{ Path, Version string }
		}
		if err := json.Unmarshal(out, &mod); err != nil {
			return nil, err
		}
		hashes, err := goSum(filepath.Join(filepath.Dir(file), "go.sum"))
		if err != nil {
			return nil, err
		}
		for _, r := range mod.Require {
			ref := golang(r.Path, r.Version)
			all = append(all, Component{Type: "library", BOMRef: ref, PURL: ref, Name: r.Path, Version: r.Version, Scope: excluded, Hashes: hashes[r.Path+" "+r.Version]})
		}
	}
	return all, nil
}

// goSum returns the hashes of the modules of a go.sum file, by path and version with a space between.
func goSum(file string) (map[string][]Hash, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hashes := map[string][]Hash{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		of, h1, ok := strings.Cut(lines.Text(), " h1:")
		sum, err := base64.StdEncoding.DecodeString(h1)
		if !ok || err != nil {
			return nil, fmt.Errorf("%s: cannot read %q", file, lines.Text())
		}
		hashes[of] = []Hash{{Algorithm: "SHA-256", Content: hex.EncodeToString(sum)}}
	}
	return hashes, lines.Err()
}

func failed(cmd *exec.Cmd, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s: %w\n%s", cmd, err, exit.Stderr)
	}
	return err
}
