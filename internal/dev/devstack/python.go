package devstack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// setupUV installs uv if any of the tools is missing: it is several times as fast as pip. Machines
// without a uv build use pip.
func (r Repo) setupUV(ctx context.Context, rep *Reporter, tools ...string) error {
	missing := false
	for _, tool := range tools {
		current, err := r.pythonStamp(tool).current()
		if err != nil {
			return err
		}
		missing = missing || !current
	}
	if !missing {
		return nil
	}
	if err := checkPython(ctx); err != nil {
		return err
	}
	s := r.pythonStamp("uv")
	if current, err := s.current(); err != nil || current {
		return err
	}
	err := rep.Do("install uv", func() error {
		if err := r.pipInstall(ctx, "uv"); err != nil {
			return err
		}
		return s.write()
	})
	if err != nil && ctx.Err() == nil {
		rep.Printf("  uv is not available here, using pip instead: %v\n", err)
		return nil
	}
	return err
}

// setupPython installs tools/<tool>.txt into a virtual environment .tools/<tool>.
func (r Repo) setupPython(ctx context.Context, rep *Reporter, tool string) error {
	s := r.pythonStamp(tool)
	if current, err := s.current(); err != nil || current {
		return err
	}
	return rep.Do("install "+tool, func() error {
		install := r.uvInstall
		if current, _ := r.pythonStamp("uv").current(); !current {
			install = r.pipInstall
		}
		if err := install(ctx, tool); err != nil {
			return err
		}
		return s.write()
	})
}

// SetupPython installs an additional Python tool, tools/<tool>.txt, into .tools/<tool>.
func (r Repo) SetupPython(ctx context.Context, rep *Reporter, tool string) error {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.setupUV(ctx, rep, tool); err != nil {
		return err
	}
	return r.setupPython(ctx, rep, tool)
}

func (r Repo) uvInstall(ctx context.Context, tool string) error {
	venv, uv := r.Path(".tools", tool), r.Path(".tools", "uv", "bin", "uv")
	// The cache is in the repository, where files are linked instead of copied.
	env := environ("UV_CACHE_DIR="+r.Path(".tools", "cache", "uv"), "UV_PYTHON_DOWNLOADS=never", "UV_NO_CONFIG=1",
		"VIRTUAL_ENV=")
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := (command{env: env, name: uv,
		args: []string{"venv", "--quiet", "--no-project", "--python", "python3", venv}}).run(ctx); err != nil {
		return err
	}
	return command{env: env, name: uv,
		args: []string{"pip", "install", "--quiet", "--python", filepath.Join(venv, "bin", "python"),
			"--require-hashes", "-r", r.Path("tools", tool+".txt")}}.run(ctx)
}

func (r Repo) pipInstall(ctx context.Context, tool string) error {
	venv := r.Path(".tools", tool)
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := (command{name: "python3", args: []string{"-m", "venv", venv}}).run(ctx); err != nil {
		return fmt.Errorf("create a Python environment (Debian and Ubuntu need: apt install python3-venv): %w", err)
	}
	return command{name: filepath.Join(venv, "bin", "python"),
		args: []string{"-m", "pip", "install", "--quiet", "--no-cache-dir",
			"--disable-pip-version-check", "--require-hashes", "-r", r.Path("tools", tool+".txt")}}.run(ctx)
}

func checkPython(ctx context.Context) error {
	err := exec.CommandContext(ctx, "python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("python3 3.10 or later is required on the PATH: %w", err)
	}
	return err
}
