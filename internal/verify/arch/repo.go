package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/schema"
	"orderflow/internal/verify/asl"
	"orderflow/internal/verify/cfn"
)

// Repo is the repository as the rules see it.
type Repo struct {
	Packages  map[string]*Package // Go packages without tests, by directory
	Functions []Function          // every directory under functions/
	Template  map[string]any      // template.yaml, with intrinsics in their long form; StackPolicy is production's

	Sandbox  map[string]any          // sandbox/template.yaml, likewise
	Machines map[string]*asl.Machine // state machines by name; each placeholder is substituted by its name
	Spec     map[string]any          // api/openapi.yaml
	Files    map[string]bool         // every file, by path
	Texts    map[string]string       // Markdown, Makefile, docs/orderflow.http, expected answers of sam local
	Samples  map[string][]byte       // sample events under events/, by path
	Schemas  schema.Set              // by event type
	Claims   map[string]any          // internal/platform/httpapi/claims.json, the schema of token claims
}

// Package is a directory of Go files.
type Package struct {
	Dir     string
	Imports map[string]bool
	Source  string // all files, concatenated
}

// Function is a directory functions/<service>/<name>.
type Function struct{ Service, Name string }

// LogicalID is the prefix of the function's resources in the template.
func (f Function) LogicalID() string { return casing.Camel(f.Name) }

// skipped lists directories without code of the project.
var skipped = []string{".git", ".tools", ".build", ".local", ".aws-sam", "node_modules"}

// Load reads the repository at root.
func Load(root string) (*Repo, error) {
	r := &Repo{Packages: map[string]*Package{}, Machines: map[string]*asl.Machine{}, Files: map[string]bool{},
		Texts: map[string]string{}, Samples: map[string][]byte{}, Schemas: schema.Set{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skipped, d.Name()) {
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if parts := strings.Split(rel, "/"); len(parts) == 3 && parts[0] == "functions" {
				r.Functions = append(r.Functions, Function{Service: parts[1], Name: parts[2]})
			}
			return nil
		}
		r.Files[rel] = true
		return r.read(path, rel)
	})
	documents := map[string]*map[string]any{
		"template.yaml": &r.Template, "sandbox/template.yaml": &r.Sandbox, "api/openapi.yaml": &r.Spec,
		"internal/platform/httpapi/claims.json": &r.Claims,
	}
	for name, into := range documents {
		if err == nil {
			*into, err = cfn.Read(filepath.Join(root, name))
		}
	}
	if err != nil {
		return nil, err
	}
	policy, err := cfn.Read(filepath.Join(root, "tools", "stack-policy.json"))
	r.Template["StackPolicy"] = map[string]any{"tools/stack-policy.json": policy}
	return r, err
}

func (r *Repo) read(path, rel string) error {
	text := strings.HasSuffix(rel, ".md") || rel == "Makefile" || rel == "docs/orderflow.http" ||
		strings.HasPrefix(rel, "internal/verify/samlocal/testdata/")
	sample := strings.HasPrefix(rel, "events/") && strings.HasSuffix(rel, ".json")
	source := strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go")
	machine := strings.HasPrefix(rel, "statemachines/") && strings.HasSuffix(rel, ".asl.json")
	if eventType, ok := strings.CutSuffix(filepath.Base(rel), ".schema.json"); ok {
		set := schema.Load(os.DirFS(filepath.Dir(path)), eventType)
		r.Schemas = schema.Merge(r.Schemas, set)
		return set.Check()
	}
	if !text && !source && !machine && !sample {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch {
	case text:
		r.Texts[rel] = string(b)
	case sample:
		r.Samples[rel] = b
	case machine:
		m, err := asl.Parse(asl.Substitute(b, func(name string) string { return name }))
		r.Machines[strings.TrimSuffix(filepath.Base(rel), ".asl.json")] = m
		return err
	case source:
		return r.addSource(rel, b)
	}
	return nil
}

func (r *Repo) addSource(rel string, b []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), rel, b, parser.ImportsOnly)
	if err != nil {
		return err
	}
	dir := filepath.ToSlash(filepath.Dir(rel))
	p := r.Packages[dir]
	if p == nil {
		p = &Package{Dir: dir, Imports: map[string]bool{}}
		r.Packages[dir] = p
	}
	p.Source += string(b)
	for _, imp := range f.Imports {
		name, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return err
		}
		p.Imports[name] = true
	}
	return nil
}
