package signin_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orderflow/internal/ops/signin"
)

const api = "https://api.shop.example/prod"

func saved(t *testing.T) (signin.Store, string) {
	t.Helper()
	s := signin.Store(filepath.Join(t.TempDir(), "orderflow"))
	if err := s.Save(api, signin.Token{Username: "olga", ID: "token", Expires: now}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(string(s), "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	return s, files[0]
}

func TestTokenIsOnlyForItsOwnerAndItsAddress(t *testing.T) {
	s, file := saved(t)
	for path, want := range map[string]os.FileMode{file: 0o600, string(s): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	got, err := s.Load(api + "/")
	if err != nil || got.ID != "token" || got.Username != "olga" || !got.Expires.Equal(now) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, other := range []string{
		"https://api.shop.example/dev", "https://evil.example/prod", "http://api.shop.example/prod", "",
	} {
		if got, err := s.Load(other); !errors.Is(err, signin.ErrNotSignedIn) {
			t.Errorf("%q gets %+v, %v", other, got, err)
		}
	}
	if removed, err := s.Remove(api); !removed || err != nil {
		t.Errorf("%t, %v", removed, err)
	}
	if removed, err := s.Remove(api); removed || err != nil {
		t.Errorf("removed twice: %t, %v", removed, err)
	}
	if _, err := s.Load(api); !errors.Is(err, signin.ErrNotSignedIn) {
		t.Errorf("still there: %v", err)
	}
}

func TestFileThatOthersCouldHaveChangedIsRefused(t *testing.T) {
	for name, tamper := range map[string]func(file string) error{
		"readable by a group": func(file string) error { return os.Chmod(file, 0o640) },
		"writable by all":     func(file string) error { return os.Chmod(file, 0o602) },
		"a link": func(file string) error {
			return errors.Join(os.Rename(file, file+".real"), os.Symlink(file+".real", file))
		},
		"of another address": func(file string) error {
			b, err := os.ReadFile(file)
			evil := strings.Replace(string(b), "shop.example", "evil.example", 1)
			return errors.Join(err, os.WriteFile(file, []byte(evil), 0o600))
		},
		"not JSON": func(file string) error { return os.WriteFile(file, []byte("token"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			s, file := saved(t)
			if err := tamper(file); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Load(api); err == nil || errors.Is(err, signin.ErrNotSignedIn) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestEmptyStoreStoresNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := signin.Store("").Save(api, signin.Token{ID: "token"}); err == nil {
		t.Error("saved")
	}
	if _, err := signin.Store("").Load(api); !errors.Is(err, signin.ErrNotSignedIn) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
