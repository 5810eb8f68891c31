package devstack

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// NewRun makes a directory of its own for a run of a program, which may start a stack in its subdirectory stack/. What earlier runs
// of that name have left is removed, and the stacks ended of those that were killed before they could.
func (r Repo) NewRun(name string) (dir string, err error) {
	earlier, err := filepath.Glob(r.Path(".build", name+"-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range earlier {
		var owner process
		data, err := os.ReadFile(filepath.Join(dir, "owner.json"))
		if err != nil || json.Unmarshal(data, &owner) != nil || owner.alive() {
			continue // alive, or about to be claimed
		}
		_, err = Down(filepath.Join(dir, "stack"))
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(r.Path(".build"), 0o755); err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(r.Path(".build"), name+"-"); err != nil {
		return "", err
	}
	return dir, claim(dir)
}
