// Package apigen writes, for every operation of api/openapi.yaml, what a request must look like, to
// api/operations/<operationId>.json.
package apigen

import (
	"os"
	"path/filepath"
)

// Write replaces what operations/ in dir, the directory of openapi.yaml, holds.
func Write(dir string) error {
	spec, err := os.ReadFile(filepath.Join(dir, "openapi.yaml"))
	if err != nil {
		return err
	}
	files, err := generate(spec)
	if err != nil {
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
