package devstack

import (
	"os"
	"testing"
)

func TestNewRunRemovesTheFilesOfKilledRuns(t *testing.T) {
	repo := Repo(t.TempDir())
	running, err := repo.NewRun("tea")
	if err != nil {
		t.Fatal(err)
	}
	put(t, repo, ".build/tea-killed/owner.json", `{"pid": 1, "started": "long ago"}`)
	put(t, repo, ".build/tea-unclaimed/file", "")
	put(t, repo, ".build/coffee-killed/owner.json", `{"pid": 1, "started": "long ago"}`)
	if _, err := repo.NewRun("tea"); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{running: true, repo.Path(".build", "tea-killed"): false,
		repo.Path(".build", "tea-unclaimed"): true, repo.Path(".build", "coffee-killed"): true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s exists: %v", dir, err == nil)
		}
	}
}
