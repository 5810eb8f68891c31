package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// needJava tells what to do where there is no Java or no Maven, for something that needs both.
func needJava(what string) error {
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return Lacking(fmt.Sprintf("%s needs a Java development kit, 17 or newer, and Maven on the PATH (%v)", what, err))
		}
	}
	return nil
}

// setupMaven installs what tools/<tool>/pom.xml asks for into dir, if its bytes are those that were pinned there.
// The file proof is one of them.
func (r Repo) setupMaven(ctx context.Context, rep *Reporter, tool, name, dir, proof string) error {
	pom := r.Path("tools", tool, "pom.xml")
	st := stamp{file: filepath.Join(dir, ".stamp"), proof: proof, want: dir, wantFile: pom}
	if current, err := st.current(); err != nil || current {
		return err
	}
	if err := needJava(name); err != nil {
		return err
	}
	return rep.Do("install "+name, func() error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		err := command{name: "mvn", args: []string{"-q", "-B", "-f", pom, "-Dmaven.repo.local=" + r.Path(".tools", "cache", "m2"),
			"dependency:copy-dependencies", "-DoutputDirectory=" + dir}}.run(ctx)
		if err != nil {
			return err
		}
		if err := r.Pinned(tool, dir); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
		return st.write()
	})
}

// SetupDynamoDBLocal installs DynamoDB Local, Amazon's own emulator, at the version of tools/dynamodb-local/pom.xml, and returns where
// its files are.
func (r Repo) SetupDynamoDBLocal(ctx context.Context, rep *Reporter) (lib string, err error) {
	unlock, err := lock(r.Path(".tools"))
	if err != nil {
		return "", err
	}
	defer unlock()
	return r.dynamoDBLocal(), r.setupDynamoDBLocal(ctx, rep)
}

func (r Repo) dynamoDBLocal() string { return r.Path(".tools", "dynamodb-local") }

func (r Repo) setupDynamoDBLocal(ctx context.Context, rep *Reporter) error {
	dir := r.dynamoDBLocal()
	return r.setupMaven(ctx, rep, "dynamodb-local", "DynamoDB Local", dir, filepath.Join(dir, "sqlite4java-1.0.392.jar"))
}
