package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// SetupDynamoDBLocal installs DynamoDB Local, Amazon's own emulator, at the version and hashes of
// tools/dynamodb-local, and returns the directory of its files.
func (r Repo) SetupDynamoDBLocal(ctx context.Context, rep *Reporter) (lib string, err error) {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return "", err
	}
	defer unlock()
	return r.Path(".tools", dynamoDBLocal), r.setupDynamoDBLocal(ctx, rep)
}

const dynamoDBLocal = "dynamodb-local"

func (r Repo) setupDynamoDBLocal(ctx context.Context, rep *Reporter) error {
	dir, pom := r.Path(".tools", dynamoDBLocal), r.Path("tools", dynamoDBLocal, "pom.xml")
	st := stamp{file: filepath.Join(dir, ".stamp"), proof: filepath.Join(dir, "sqlite4java-1.0.392.jar"), want: dir,
		wantFile: pom}
	if current, err := st.current(); err != nil || current {
		return err
	}
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return Lacking(fmt.Sprintf("DynamoDB Local needs Maven and a Java development kit, 17 or newer (%v)", err))
		}
	}
	return rep.Do("install DynamoDB Local", func() error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		err := command{name: "mvn",
			args: []string{"-q", "-B", "-f", pom, "-Dmaven.repo.local=" + r.Path(".tools", "cache", "m2"),
				"dependency:copy-dependencies", "-DoutputDirectory=" + dir}}.run(ctx)
		if err != nil {
			return err
		}
		if err := r.Pinned(dynamoDBLocal, dir); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
		return st.write()
	})
}
