package devstack

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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
	return save(filepath.Join(dir, "owner.json"), me)
}

// abandoned returns the directories matching pattern whose owner has ended.
func abandoned(pattern string) ([]string, error) {
	dirs, err := filepath.Glob(pattern)
	return slices.DeleteFunc(dirs, func(dir string) bool {
		var owner process
		found, err := load(filepath.Join(dir, "owner.json"), &owner)
		return !found || err != nil || owner.alive() // one without an owner is about to be claimed
	}), err
}
