package devstack

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// setupLocalStack installs LocalStack and, in the places where it would put what it downloads itself, what it runs with Java: DynamoDB
// Local, for tables, and the interpreter of JSONata, for state machines.
func (r Repo) setupLocalStack(ctx context.Context, rep *Reporter) error {
	home, err := javaHome(ctx)
	if err != nil {
		return err
	}
	if err := r.setupPython(ctx, rep, "localstack", python313); err != nil {
		return err
	}
	if err := r.setupDynamoDBLocal(ctx, rep); err != nil {
		return err
	}
	lib := r.Path(".tools", "localstack-lib")
	jsonata := filepath.Join(lib, "jsonata", "0.9.7")
	if err := r.setupMaven(ctx, rep, "localstack", "LocalStack's JSONata", jsonata, filepath.Join(jsonata, "jsonata-0.9.7.jar")); err != nil {
		return err
	}
	dynamodb := filepath.Join(lib, "dynamodb-local", "2")
	jar := filepath.Join(dynamodb, "DynamoDBLocal.jar")
	st := stamp{file: filepath.Join(dynamodb, ".stamp"), proof: jar, want: home + " " + r.dynamoDBLocal(), wantFile: r.Path("tools", "dynamodb-local", "Loopback.java")}
	if current, err := st.current(); err != nil || current {
		return err
	}
	for link, to := range map[string]string{
		filepath.Join(lib, "java", "21"):                    home,
		filepath.Join(dynamodb, "DynamoDBLocal_lib"):        r.dynamoDBLocal(),
		filepath.Join(dynamodb, "ddb-local-loader-0.1.jar"): jar, // the agent that LocalStack starts it with
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.RemoveAll(link), os.Symlink(to, link)); err != nil {
			return err
		}
	}
	if err := r.makeLoopbackJar(ctx, filepath.Join(home, "bin", "javac"), jar); err != nil {
		return err
	}
	return st.write()
}

// makeLoopbackJar makes the jar that LocalStack takes for DynamoDB Local's: tools/dynamodb-local/Loopback.java, which runs it, with
// the files that it needs on its path.
func (r Repo) makeLoopbackJar(ctx context.Context, javac, jar string) error {
	classes, err := os.MkdirTemp("", "orderflow-classes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(classes)
	source := r.Path("tools", "dynamodb-local", "Loopback.java")
	err = command{name: javac, args: []string{"--release", "17", "-cp", filepath.Join(r.dynamoDBLocal(), "*"), "-d", classes, source}}.run(ctx)
	if err != nil {
		return errors.Join(Lacking("LocalStack needs a Java development kit, 17 or newer"), err)
	}
	jars, err := filepath.Glob(filepath.Join(r.dynamoDBLocal(), "*.jar"))
	if err != nil {
		return err
	}
	manifest := "Manifest-Version: 1.0\nMain-Class: Loopback\nPremain-Class: Loopback\nClass-Path: ."
	for _, needed := range jars {
		manifest += "\n  DynamoDBLocal_lib/" + filepath.Base(needed) // a line that goes on begins with a blank
	}
	out, err := os.Create(jar)
	if err != nil {
		return err
	}
	w := zip.NewWriter(out)
	err = errors.Join(addText(w, "META-INF/MANIFEST.MF", manifest+"\n"), w.AddFS(os.DirFS(classes)), w.Close(), out.Close())
	return err
}

func addText(w *zip.Writer, name, text string) error {
	entry, err := w.Create(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(entry, text)
	return err
}

// javaHome is where the Java on the PATH really is; it may be a link, or a script that finds it.
func javaHome(ctx context.Context) (string, error) {
	if err := needJava("LocalStack"); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "java", "-XshowSettings:properties", "-version").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if home, ok := strings.CutPrefix(strings.TrimSpace(line), "java.home = "); ok && err == nil {
			return home, nil
		}
	}
	return "", fmt.Errorf("java does not tell where it is: %w\n%s", err, tail(out, 5))
}
