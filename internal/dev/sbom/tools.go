package sbom

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var requirement = regexp.MustCompile(`(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)`)

// pythonTools returns the packages of tools/*.txt. They have many hashes each, one a platform, which stay there.
func pythonTools(_ context.Context, root string) ([]Component, error) {
	return each(filepath.Join(root, "tools", "*.txt"), func(_ string, data []byte) (all []Component, err error) {
		for _, m := range requirement.FindAllSubmatch(data, -1) {
			name, version := string(m[1]), string(m[2])
			ref := "pkg:pypi/" + name + "@" + version
			all = append(all, Component{Type: "library", BOMRef: ref, PURL: ref, Name: name, Version: version, Scope: excluded})
		}
		return all, nil
	})
}

// nodeTools returns the packages of tools/*/package-lock.json.
func nodeTools(_ context.Context, root string) ([]Component, error) {
	return each(filepath.Join(root, "tools", "*", "package-lock.json"), func(file string, data []byte) (all []Component, err error) {
		var lock struct {
			Packages map[string]struct{ Version, Integrity string }
		}
		if err := json.Unmarshal(data, &lock); err != nil {
			return nil, err
		}
		for path, p := range lock.Packages {
			if path == "" {
				continue // what asks for them
			}
			name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
			sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-"))
			if err != nil {
				return nil, fmt.Errorf("%s: the hash of %s: %w", file, name, err)
			}
			ref := "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version
			all = append(all, Component{Type: "library", BOMRef: ref, PURL: ref, Name: name, Version: p.Version, Scope: excluded,
				Hashes: []Hash{{Algorithm: "SHA-512", Content: hex.EncodeToString(sum)}}})
		}
		return all, nil
	})
}

// mavenTools returns what tools/*/pom.xml ask for, and the files that come of it, which tools/*/sha256 list.
func mavenTools(_ context.Context, root string) ([]Component, error) {
	return each(filepath.Join(root, "tools", "*", "pom.xml"), func(file string, data []byte) (all []Component, err error) {
		var pom struct {
			Dependencies []struct {
				Group    string `xml:"groupId"`
				Artifact string `xml:"artifactId"`
				Version  string `xml:"version"`
			} `xml:"dependencies>dependency"`
		}
		if err := xml.Unmarshal(data, &pom); err != nil {
			return nil, err
		}
		for _, d := range pom.Dependencies {
			ref := "pkg:maven/" + d.Group + "/" + d.Artifact + "@" + d.Version
			all = append(all, Component{Type: "library", BOMRef: ref, PURL: ref, Name: d.Artifact, Version: d.Version, Scope: excluded})
		}
		sums, err := os.ReadFile(filepath.Join(filepath.Dir(file), "sha256"))
		for line := range strings.Lines(string(sums)) {
			hash, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
			all = append(all, Component{Type: "file", BOMRef: "file:" + name, Name: name, Scope: excluded, Hashes: []Hash{{Algorithm: "SHA-256", Content: hash}}})
		}
		return all, err
	})
}

// each reads the files of a pattern.
func each(pattern string, read func(file string, data []byte) ([]Component, error)) (all []Component, err error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		some, err := read(file, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, some...)
	}
	return all, nil
}
