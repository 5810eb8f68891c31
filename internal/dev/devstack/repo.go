package devstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Repo is the root directory of a clone.
type Repo string

// FindRepo returns the clone of the working directory.
func FindRepo() (Repo, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module orderflow\n")) {
			return Repo(dir), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not inside a clone of orderflow: change into it and try again")
		}
		dir = parent
	}
}

// Path joins a path relative to the root.
func (r Repo) Path(elem ...string) string {
	return filepath.Join(append([]string{string(r)}, elem...)...)
}

// locked creates dir and runs do with an exclusive lock on it: `make test` and `make up` may
// install or build at the same time.
func locked(dir string, do func() error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // unlocks it
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); {
		case err == nil:
			return do()
		case !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock %s: %w", dir, err)
		}
	}
}

// writeFile replaces path atomically.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// load decodes a file of JSON. found is false if it does not exist.
func load(file string, out any) (found bool, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w: remove it and try again", file, err)
	}
	return true, nil
}

// save replaces a file of JSON.
func save(file string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(file, append(data, '\n'), 0o644)
}
