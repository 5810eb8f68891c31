package devstack

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// NewRun creates a directory for a run of a program, which may start a stack in its subdirectory
// stack/. It removes the directories and stacks of earlier runs of that name whose process is gone.
func (r Repo) NewRun(name string) (dir string, err error) {
	earlier, err := abandoned(r.Path(".build", name+"-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range earlier {
		_, err := Down(filepath.Join(dir, "stack"))
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

// claim marks dir as owned by this process.
func claim(dir string) error {
	me, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	data, err := json.Marshal(me)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "owner.json"), data, 0o644)
}

// abandoned returns the directories matching pattern whose owner has ended.
func abandoned(pattern string) ([]string, error) {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, dir := range dirs {
		var owner process
		data, err := os.ReadFile(filepath.Join(dir, "owner.json"))
		if err == nil && json.Unmarshal(data, &owner) == nil && !owner.alive() { // or it is about to be claimed
			left = append(left, dir)
		}
	}
	return left, nil
}
