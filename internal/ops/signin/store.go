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

// ErrNotSignedIn says that there is no sign-in for an address.
var ErrNotSignedIn = errors.New("not signed in")

// Store keeps sign-ins in a directory, a file for each API. A token goes to the address that it was got for and nowhere else,
// whatever address a stack file or a flag names later. The empty store keeps nothing.
type Store string

// kept is what a file holds.
type kept struct {
	API string `json:"api"`
	Token
}

func (s Store) file(api string) string {
	sum := sha256.Sum256([]byte(canonical(api)))
	return filepath.Join(string(s), "token-"+hex.EncodeToString(sum[:8])+".json")
}

func canonical(api string) string { return strings.TrimRight(api, "/") }

// Save keeps a token for an API. Only its owner may read the file, from the moment at which it is there.
func (s Store) Save(api string, t Token) error {
	if s == "" {
		return errors.New("there is no directory for it: set HOME")
	}
	if err := os.MkdirAll(string(s), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(kept{API: canonical(api), Token: t})
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

// Load returns the token for an API, or ErrNotSignedIn. A file that others may read or have made is refused.
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
		return Token{}, fmt.Errorf("%s is not a file that only you may read: remove it and sign in again", f.Name())
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return Token{}, err
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil || k.API != canonical(api) || k.ID == "" {
		return Token{}, fmt.Errorf("%s is not a sign-in for %s: remove it and sign in again", f.Name(), api)
	}
	return k.Token, nil
}

// Remove forgets the token for an API and tells whether there was one.
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
