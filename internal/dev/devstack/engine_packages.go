package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// enginePackages are Debian's and Ubuntu's packages of a container engine and of what sets up its network.
var enginePackages = []string{"docker.io", "iproute2"}

// setupEngine unpacks the packages of a container engine into .tools/engine/root, with those that they depend on, as far as they are not
// installed on this machine. Nothing is installed on it. apt holds them to the signatures of the distribution.
func (r Repo) setupEngine(ctx context.Context, rep *Reporter) (root string, err error) {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return "", err
	}
	defer unlock()
	dir := r.Path(".tools", "engine")
	root = filepath.Join(dir, "root")
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	s := stamp{file: filepath.Join(dir, ".stamp"), proof: root, want: dir + "\n" + string(release)}
	if current, err := s.current(); err != nil || current {
		return root, err
	}
	return root, rep.Do("fetch a container engine, once", func() error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.MkdirAll(root, 0o755); err != nil {
			return err
		}
		// The machine's lists of packages may be missing, or so old that what they name is gone: then with lists of our own.
		apt := aptIn(dir)
		err := apt.download(ctx)
		if err != nil && ctx.Err() == nil {
			lists := "Dir::State::Lists=" + filepath.Join(dir, "lists")
			apt.options = append(apt.options, "-o", lists)
			err = errors.Join(os.MkdirAll(filepath.Join(dir, "lists", "partial"), 0o755), apt.run(ctx, "update"))
			if err == nil {
				err = apt.download(ctx)
			}
		}
		if err != nil {
			return fmt.Errorf("cannot fetch it: %w", err)
		}
		packages, err := filepath.Glob(filepath.Join(dir, "archives", "*.deb"))
		if err != nil {
			return err
		}
		for _, p := range packages {
			if err := (command{name: "dpkg-deb", args: []string{"-x", p, root}}).run(ctx); err != nil {
				return err
			}
		}
		for _, done := range []string{"archives", "lists"} {
			if err := os.RemoveAll(filepath.Join(dir, done)); err != nil {
				return err
			}
		}
		return s.write()
	})
}

// apt is apt-get, working in a directory of ours.
type apt struct{ options []string }

func aptIn(dir string) apt {
	return apt{[]string{"-q", "-y", "-o", "Dir::Cache=" + dir, "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root"}}
}

func (a apt) run(ctx context.Context, args ...string) error {
	return command{name: "apt-get", args: append(append([]string{}, a.options...), args...), env: environ("LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")}.run(ctx)
}

// download puts the packages into archives/ of the directory.
func (a apt) download(ctx context.Context) error {
	return a.run(ctx, append([]string{"install", "--download-only", "--no-install-recommends"}, enginePackages...)...)
}

// engineEnviron has programs and libraries found under root before the machine's own.
func engineEnviron(root string) []string {
	path := os.Getenv("PATH") + ":/usr/sbin:/sbin"
	for _, dir := range []string{"bin", "sbin", "usr/bin", "usr/sbin"} {
		path = filepath.Join(root, dir) + ":" + path
	}
	libraries := ""
	for _, dir := range []string{"lib", "usr/lib"} {
		_ = filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error { // a directory that is not there has none
			if err == nil && d.IsDir() {
				if found, _ := filepath.Glob(filepath.Join(path, "*.so.*")); len(found) > 0 {
					libraries += ":" + path
				}
			}
			return nil
		})
	}
	env := environ("PATH=" + path)
	if libraries != "" {
		env = append(env, "LD_LIBRARY_PATH="+libraries[1:])
	}
	return env
}
