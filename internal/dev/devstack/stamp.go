package devstack

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
)

// stamp records what an installed tool was made from.
type stamp struct {
	file     string // where it is recorded
	proof    string // a file of the tool
	want     string // what it should be made from …
	wantFile string // … besides the content of this file
}

func (r Repo) pythonStamp(tool string) stamp {
	venv := r.Path(".tools", tool)
	// Environments contain absolute paths: a moved clone needs new ones.
	return stamp{file: filepath.Join(venv, ".stamp"), proof: filepath.Join(venv, "bin", "python"), want: venv,
		wantFile: r.Path("tools", tool+".txt")}
}

func (s stamp) content() (string, error) {
	h := sha256.New()
	h.Write([]byte(s.want))
	if s.wantFile != "" {
		data, err := os.ReadFile(s.wantFile)
		if err != nil {
			return "", err
		}
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// current reports whether the tool is installed and up to date.
func (s stamp) current() (bool, error) {
	want, err := s.content()
	if err != nil {
		return false, err
	}
	have, err := os.ReadFile(s.file)
	if err != nil || strings.TrimSpace(string(have)) != want {
		return false, nil //nolint:nilerr // no stamp, or an old one
	}
	_, err = os.Stat(s.proof)
	return err == nil, nil
}

func (s stamp) write() error {
	want, err := s.content()
	if err != nil {
		return err
	}
	return writeFile(s.file, []byte(want+"\n"), 0o644)
}
