package devstack

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestFilesThatDifferFromTheirPinsAreRefused(t *testing.T) {
	repo := Repo(t.TempDir())
	const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	put(t, repo, "tools/jars/sha256", hello+"  a.jar\n"+hello+"  b.jar\n")
	put(t, repo, "lib/a.jar", "hello")
	put(t, repo, "lib/b.jar", "hello")
	if err := repo.Pinned("jars", repo.Path("lib")); err != nil {
		t.Fatalf("the files that were pinned: %v", err)
	}

	put(t, repo, "lib/b.jar", "hullo")
	put(t, repo, "lib/c.jar", "hello")
	if err := os.Remove(repo.Path("lib", "a.jar")); err != nil {
		t.Fatal(err)
	}
	err := repo.Pinned("jars", repo.Path("lib"))
	for _, want := range []string{"a.jar of tools/jars/sha256 is missing", "b.jar has the hash", "c.jar is not in"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func TestDocumentsNameTheOldestPython(t *testing.T) {
	repo, err := FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(repo.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		if want := "Python " + Python + " or newer"; !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q", name, want)
		}
	}
}

// unpinned are ways to install something without a pinned hash, by the problem.
var unpinned = map[string]*regexp.Regexp{
	"go install checks no pinned hash":       regexp.MustCompile(`"install", *"?[\w.-]+\.\w+/|go (install|run) [\w.-]+\.\w+/`),
	"npm install changes the lock file":      regexp.MustCompile(`npm (install|i|add)\b|"npm", args: \[\]string\{"(install|i|add)"|\bnpx `),
	"the action is not pinned by its commit": regexp.MustCompile(`^(- )?uses: +\S+@\S{1,39}(\s|$)|^(- )?uses: +[^\s@]+$`),
	"pip installs without hashes":            regexp.MustCompile(`pip3? install [^-]`),
	"a download without a hash":              regexp.MustCompile(`(curl|wget) [^|]*https?://[^|]*\|`),
}

func TestNothingIsInstalledUnpinned(t *testing.T) {
	for _, line := range []string{`"go", "install", "example.com/tool@v1"`, "go run example.com/tool@latest",
		"npm install left-pad", "npx left-pad",
		"- uses: actions/checkout@v4", "pip install requests", "curl -sL https://example.com/i.sh | sh"} {
		if wrong(line) == "" {
			t.Errorf("%q was not detected", line)
		}
	}
	repo, err := FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, top := range []string{"Makefile", ".ci", ".github", "cmd", "internal", "sandbox", "test", "tools"} {
		err := filepath.WalkDir(repo.Path(top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Base(path) == "pinned_test.go" || filepath.Ext(path) == ".md" ||
				filepath.Ext(path) == ".json" {
				return err
			}
			data, err := os.ReadFile(path)
			read++
			for line := range strings.Lines(string(data)) {
				if why := wrong(strings.TrimSpace(line)); why != "" {
					t.Errorf("%s: %s: %s", path, why, strings.TrimSpace(line))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 100 {
		t.Errorf("only %d files were read", read)
	}
}

func wrong(line string) string {
	for why, pattern := range unpinned {
		if pattern.MatchString(line) {
			return why
		}
	}
	return ""
}

func TestEveryToolHasItsHashes(t *testing.T) {
	repo, err := FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(repo.Path("tools"))
	if err != nil {
		t.Fatal(err)
	}
	tools := 0
	for _, entry := range entries {
		path := repo.Path("tools", entry.Name())
		var err error
		switch {
		case entry.Name() == "sam-build", entry.Name() == "webguard":
			continue // our own code
		case entry.IsDir():
			err = hashesOf(path)
		case filepath.Ext(path) == ".in":
			err = requirementsHaveHashes(strings.TrimSuffix(path, ".in") + ".txt")
		default:
			continue
		}
		tools++
		if err != nil {
			t.Errorf("tools/%s: %v", entry.Name(), err)
		}
	}
	localStack := repo.Path(".ci", "localstack")
	if err := errors.Join(hashesOf(localStack),
		requirementsHaveHashes(filepath.Join(localStack, "requirements.txt"))); err != nil {
		t.Error(err)
	}
	if tools < 7 {
		t.Errorf("only %d tools were checked", tools)
	}
}

// hashesOf fails unless the tool in dir (Go, Node.js or Maven) has its hashes.
func hashesOf(dir string) error {
	for manifest, hashes := range map[string]string{"go.mod": "go.sum", "package.json": "package-lock.json",
		"pom.xml": "sha256"} {
		if _, err := os.Stat(filepath.Join(dir, manifest)); err != nil {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, hashes))
		if err != nil || hashes != "package-lock.json" {
			return err
		}
		var lock struct {
			Packages map[string]struct{ Integrity string }
		}
		if err := json.Unmarshal(data, &lock); err != nil {
			return err
		}
		for name, pkg := range lock.Packages {
			if name != "" && pkg.Integrity == "" {
				return errors.New(name + " has no hash")
			}
		}
		return nil
	}
	return errors.New("no go.mod, package.json or pom.xml")
}

func requirementsHaveHashes(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	joined := strings.ReplaceAll(string(data), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") &&
			(!strings.Contains(line, "==") || !strings.Contains(line, "--hash=sha256:")) {
			return errors.New("no version or hash: " + line)
		}
	}
	return nil
}
