package samlocal

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"orderflow/internal/dev/devstack"
)

func TestMissingEngineIsReported(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), Options{Repo: repo, Dir: t.TempDir(), Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "no container engine answers") {
		t.Errorf("got %v", err)
	}
}
