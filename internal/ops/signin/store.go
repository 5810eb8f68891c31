package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"orderflow/internal/ops/ownfile"
)

// ErrNotSignedIn says that the store has no token for an address.
var ErrNotSignedIn = errors.New("not signed in")

// Store is a directory with tokens, one file for each API. A token is sent only to the address that
// it was issued for, whatever address a stack file or a flag names later. The empty store stores
// nothing.
type Store string

// stored is the content of a file.
type stored struct {
	API string `json:"api"`
	Token
}

func (s Store) file(api string) string {
	sum := sha256.Sum256([]byte(canonical(api)))
	return filepath.Join(string(s), "token-"+hex.EncodeToString(sum[:8])+".json")
}

func canonical(api string) string { return strings.TrimRight(api, "/") }

// Save stores a token for an API. The file is created readable only by its owner.
func (s Store) Save(api string, t Token) error {
	if s == "" {
		return errors.New("no directory to store the token in: set HOME")
	}
	if err := os.MkdirAll(string(s), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(stored{API: canonical(api), Token: t})
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(string(s), "token-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(append(data, '\n'))
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), s.file(api))
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// Load returns the token for an API, or ErrNotSignedIn. It refuses a file that another user owns or
// can access.
func (s Store) Load(api string) (Token, error) {
	if s == "" {
		return Token{}, ErrNotSignedIn
	}
	f, err := os.OpenFile(s.file(api), os.O_RDONLY|ownfile.NoFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, ErrNotSignedIn
	}
	if err != nil {
		return Token{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Token{}, err
	}
	if !ownfile.Private(info) {
		return Token{}, fmt.Errorf("others can access %s: remove it and sign in again", f.Name())
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return Token{}, err
	}
	var file stored
	if err := json.Unmarshal(data, &file); err != nil || file.API != canonical(api) || file.ID == "" {
		return Token{}, fmt.Errorf("%s holds no token for %s: remove it and sign in again", f.Name(), api)
	}
	return file.Token, nil
}

// Remove deletes the token for an API and reports whether there was one.
func (s Store) Remove(api string) (bool, error) {
	if s == "" {
		return false, nil
	}
	err := os.Remove(s.file(api))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
