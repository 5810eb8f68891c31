// Package apigen generates from api/contract.yaml the full contract, api/openapi.yaml, and the
// request schema of each operation, api/operations/<operationId>.json.
package apigen

import (
	"os"
	"path/filepath"

	"orderflow/internal/verify/cfn"
)

// Write writes openapi.yaml and replaces operations/ in api/ of the repository at root.
func Write(root string) error {
	dir := filepath.Join(root, "api")
	spec, err := openAPI(root)
	if err != nil {
		return err
	}
	files, err := generate(spec)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), spec, 0o644); err != nil {
		return err
	}
	out := filepath.Join(dir, "operations")
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// openAPI returns openapi.yaml. The aliases of functions come from template.yaml.
func openAPI(root string) ([]byte, error) {
	contract, err := os.ReadFile(filepath.Join(root, "api", "contract.yaml"))
	if err != nil {
		return nil, err
	}
	template, err := cfn.Read(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	spec, err := complete(string(contract), func(function string) string {
		if name, ok := cfn.Dig(template, "Resources", function+"Function", "Properties",
			"AutoPublishAlias").(string); ok {
			return ":" + name
		}
		return ""
	})
	return []byte(spec), err
}
