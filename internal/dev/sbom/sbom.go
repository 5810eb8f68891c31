// Package sbom lists what orderflow is made from, as a CycloneDX bill of materials: the Go modules in its functions (scope
// required), and those and the tools in Go, Python, Node.js and Java that only tests and builds use (scope excluded).
package sbom

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A BOM is a bill of materials in CycloneDX 1.5, as far as we use it. It has no time and no serial number: the same sources
// have the same one.
type BOM struct {
	BOMFormat    string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     Metadata     `json:"metadata"`
	Components   []Component  `json:"components"`
	Dependencies []Dependency `json:"dependencies"`
}

// Metadata says what the bill is of.
type Metadata struct {
	Component Component `json:"component"`
}

// A Component is something of a certain version.
type Component struct {
	Type    string `json:"type"`
	BOMRef  string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Scope   string `json:"scope,omitempty"`
	Hashes  []Hash `json:"hashes,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

// A Hash is one of a component's content; of a Go module it is that of go.sum.
type Hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"` // hexadecimal
}

// A Dependency lists the components whose packages one imports.
type Dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

const (
	required = "required" // is in a function
	excluded = "excluded" // is for tests and builds only
)

// Generate makes the bill of the clone at root. It needs Go on the PATH.
func Generate(ctx context.Context, root string) (*BOM, error) {
	components := map[string]Component{}
	add := func(list ...Component) {
		for _, c := range list {
			if old, known := components[c.BOMRef]; !known || old.Scope == excluded {
				components[c.BOMRef] = c
			}
		}
	}
	modules, dependencies, err := goModules(ctx, root)
	if err != nil {
		return nil, err
	}
	add(modules...)
	for _, read := range []func(context.Context, string) ([]Component, error){goTools, pythonTools, nodeTools, mavenTools} {
		tools, err := read(ctx, root)
		if err != nil {
			return nil, err
		}
		add(tools...)
	}
	return &BOM{
		BOMFormat:    "CycloneDX",
		SpecVersion:  "1.5",
		Version:      1,
		Metadata:     Metadata{Component: Component{Type: "application", BOMRef: module, Name: "orderflow"}},
		Components:   slices.SortedFunc(maps.Values(components), func(a, b Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) }),
		Dependencies: dependencies,
	}, nil
}

// JSON writes the bill out.
func (b *BOM) JSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(b)
	return out.Bytes(), err
}

// Count returns how many components have the scope and a package URL that begins with prefix.
func (b *BOM) Count(scope, prefix string) (n int) {
	for _, c := range b.Components {
		if c.Scope == scope && strings.HasPrefix(c.BOMRef, prefix) {
			n++
		}
	}
	return n
}
