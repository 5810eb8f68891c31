package arch

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/schema"
)

// Repo is the repository as the rules see it.
type Repo struct {
	// Own has a Repo for each service with a stack of its own: its functions, template, machines
	// and contract, and the rest of the repository. Stack is the service's name.
	Own   []*Repo
	Stack string

	Packages  map[string]*Package // Go packages without tests, by directory
	Functions []Function          // every directory under functions/
	Template  map[string]any      // template.yaml, with intrinsics in their long form; StackPolicy is production's

	Sandbox  map[string]any          // sandbox/template.yaml, likewise
	Machines map[string]*asl.Machine // state machines by name; each placeholder is substituted by its name
	Spec     map[string]any          // api/openapi.yaml
	Files    map[string]bool         // every file, by path
	Texts    map[string]string       // Markdown, Makefile, docs/*.http, expected answers of sam local
	Sources  map[string]string       // code, tests and templates, by path
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

var written = regexp.MustCompile(`\.(go|java|mjs|mk|py|sh|toml|tmpl|ya?ml|http)$|^Makefile$|^\.ci/`)

// Load reads the repository at root.
func Load(root string) (*Repo, error) {
	r := &Repo{Packages: map[string]*Package{}, Machines: map[string]*asl.Machine{}, Files: map[string]bool{},
		Texts: map[string]string{}, Sources: map[string]string{},
		Samples: map[string][]byte{}, Schemas: schema.Set{}}
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch isFunction, _ := path.Match("functions/*/*", name); {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, d.Name()):
			return fs.SkipDir
		case d.IsDir() && isFunction:
			r.Functions = append(r.Functions, Function{Service: path.Base(path.Dir(name)), Name: d.Name()})
		case !d.IsDir():
			r.Files[name] = true
			return r.read(files, name)
		}
		return nil
	})
	var policy map[string]any
	documents := map[string]*map[string]any{
		"template.yaml": &r.Template, "sandbox/template.yaml": &r.Sandbox, "api/openapi.yaml": &r.Spec,
		"internal/platform/httpapi/claims.json": &r.Claims, "tools/stack-policy.json": &policy,
	}
	for name, into := range documents {
		if err == nil {
			*into, err = readDocument(filepath.Join(root, name))
		}
	}
	if err != nil {
		return nil, err
	}
	r.Template["StackPolicy"] = map[string]any{"tools/stack-policy.json": policy}
	return r, r.separate(root)
}

// documents caches parsed documents. Each rule is tested on a repository of its own, and parsing
// documents takes most of the time to load one.
var documents sync.Map

// readDocument reads a YAML or JSON file. The caller may change the result.
func readDocument(file string) (map[string]any, error) {
	if known, isKnown := documents.Load(file); isKnown {
		return clone(known.(map[string]any)).(map[string]any), nil
	}
	read, err := cfn.Read(file)
	if err == nil {
		documents.Store(file, clone(read))
	}
	return read, err
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		cloned := make(map[string]any, len(v))
		for key, value := range v {
			cloned[key] = clone(value)
		}
		return cloned
	case []any:
		cloned := make([]any, len(v))
		for n, value := range v {
			cloned[n] = clone(value)
		}
		return cloned
	}
	return v
}

// separate moves what belongs to stacks of their own from the core to Own.
func (r *Repo) separate(root string) error {
	templates, err := filepath.Glob(filepath.Join(root, "stacks", "*", "template.yaml"))
	for _, file := range templates {
		own := *r
		own.Own = nil
		own.Stack = filepath.Base(filepath.Dir(file))
		of := func(f Function) bool { return f.Service == own.Stack }
		own.Functions = slices.DeleteFunc(slices.Clone(r.Functions), func(f Function) bool { return !of(f) })
		r.Functions = slices.DeleteFunc(r.Functions, of)
		var problem error
		own.Template, problem = readDocument(file)
		err = errors.Join(err, problem)
		own.Spec = map[string]any{}
		if spec := "stacks/" + own.Stack + "/openapi.yaml"; r.Files[spec] {
			own.Spec, problem = readDocument(filepath.Join(root, spec))
			err = errors.Join(err, problem)
		}
		own.Machines = map[string]*asl.Machine{}
		for _, p := range own.each("AWS::Serverless::StateMachine") {
			name := strings.TrimSuffix(path.Base(text(p["DefinitionUri"])), ".asl.json")
			if r.Machines[name] == nil {
				err = errors.Join(err, fmt.Errorf("%s: statemachines/%s.asl.json is missing", file, name))
			}
			own.Machines[name] = r.Machines[name]
			delete(r.Machines, name)
		}
		r.Own = append(r.Own, &own)
	}
	return err
}

// all returns the core and the stacks of their own.
func (r *Repo) all() []*Repo { return append([]*Repo{r}, r.Own...) }

func (r *Repo) read(files fs.FS, name string) error {
	text := strings.HasSuffix(name, ".md") || name == "Makefile" || strings.HasSuffix(name, ".http") ||
		strings.HasPrefix(name, "internal/verify/samlocal/testdata/")
	sample := strings.HasPrefix(name, "events/") && strings.HasSuffix(name, ".json")
	source := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
	machine, _ := path.Match("statemachines/*.asl.json", name)
	eventType, isSchema := strings.CutSuffix(path.Base(name), ".schema.json")
	if !text && !written.MatchString(name) && !machine && !sample && !isSchema {
		return nil
	}
	b, err := fs.ReadFile(files, name)
	if written.MatchString(name) {
		r.Sources[name] = string(b)
	}
	switch {
	case err != nil:
	case isSchema:
		var dir fs.FS
		if dir, err = fs.Sub(files, path.Dir(name)); err == nil {
			set := schema.Load(dir, eventType)
			r.Schemas, err = schema.Merge(r.Schemas, set), set.Check()
		}
	case text:
		r.Texts[name] = string(b)
	case sample:
		r.Samples[name] = b
	case machine:
		parsed, problem := asl.Parse(asl.Substitute(b, func(name string) string { return name }))
		r.Machines[strings.TrimSuffix(path.Base(name), ".asl.json")], err = parsed, problem
	case source:
		err = r.addSource(name, b)
	}
	return err
}

func (r *Repo) addSource(name string, b []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, b, parser.ImportsOnly)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	p := r.Packages[dir]
	if p == nil {
		p = &Package{Dir: dir, Imports: map[string]bool{}}
		r.Packages[dir] = p
	}
	p.Source += string(b)
	for _, imp := range f.Imports {
		p.Imports[strings.Trim(imp.Path.Value, `"`)] = true
	}
	return nil
}
