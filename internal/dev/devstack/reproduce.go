package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sums builds functions for architecture and returns the SHA-256 of their deployment packages, by
// function. env is added to the compiler's, such as GOCACHE=/empty/directory to compile everything.
func (r Repo) Sums(ctx context.Context, rep *Reporter, architecture string, functions []Function,
	env ...string) (map[string]string, error) {
	unlock, err := lock(r.Path(".build"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	bin, err := r.compile(ctx, rep, Lambda(architecture), functions, env...)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, f := range functions {
		h := sha256.New()
		if err := Pack(h, filepath.Join(bin, f.Name)); err != nil {
			return nil, err
		}
		sums[f.Name] = hex.EncodeToString(h.Sum(nil))
	}
	return sums, nil
}

// CopyTo copies the sources, without hidden directories, into the empty directory dir.
func (r Repo) CopyTo(dir string) (Repo, error) {
	return Repo(dir), filepath.WalkDir(string(r), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(r), path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case rel == ".":
			return nil
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		return copyFile(path, to)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
