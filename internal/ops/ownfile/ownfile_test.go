//go:build !windows

package ownfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"orderflow/internal/ops/ownfile"
)

func TestOwnerAndModeDecide(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode             os.FileMode
		private, trusted bool
	}{
		{0o600, true, true},
		{0o644, false, true},
		{0o620, false, false},
		{0o602, false, false},
	} {
		if err := os.Chmod(name, c.mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if p, w := ownfile.Private(info), ownfile.Trusted(info); p != c.private || w != c.trusted {
			t.Errorf("%o: private %t, trusted %t; want %t, %t", c.mode, p, w, c.private, c.trusted)
		}
	}
	directory, err := os.Stat(filepath.Dir(name))
	if err != nil || ownfile.Private(directory) {
		t.Errorf("a directory is private, %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || ownfile.Private(info) || ownfile.Trusted(info) {
		t.Errorf("another user's file is private or trusted, %v", err)
	}
}
