package devstack

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Pinned fails unless the files of dir are exactly those in tools/<tool>/sha256, a list in the form
// of `sha256sum`. Maven itself checks downloads only against checksums of the same source.
func (r Repo) Pinned(tool, dir string) error {
	list := r.Path("tools", tool, "sha256")
	want, err := readSums(list)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		got, sumErr := sum(filepath.Join(dir, entry.Name()))
		switch pinned, known := want[entry.Name()]; {
		case sumErr != nil:
			err = errors.Join(err, sumErr)
		case !known:
			err = errors.Join(err, fmt.Errorf("%s is not in tools/%s/sha256", entry.Name(), tool))
		case pinned != got:
			err = errors.Join(err,
				fmt.Errorf("%s has the hash %s, which differs from tools/%s/sha256: do not use it",
					entry.Name(), got, tool))
		}
		delete(want, entry.Name())
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		err = errors.Join(err, fmt.Errorf("%s of tools/%s/sha256 is missing", name, tool))
	}
	return err
}

func readSums(list string) (map[string]string, error) {
	f, err := os.Open(list)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sums := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		hash, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || len(hash) != hex.EncodedLen(sha256.Size) {
			return nil, fmt.Errorf("%s: %q is not a hash, two spaces and a name", list, lines.Text())
		}
		sums[name] = hash
	}
	return sums, lines.Err()
}

// sum returns the SHA-256 of a file in hexadecimal.
func sum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
