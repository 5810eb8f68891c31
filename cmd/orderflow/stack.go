package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/ownfile"
)

// operator is the group whose members may run the shop.
const operator = "operator"

// deployment is the outputs of a deployment by name, and the file that they were read from.
type deployment struct {
	file string
	// named says that the caller gave the file, by a flag or the environment; else it was found in a directory above.
	named   bool
	outputs map[string]string
}

var errNoStack = errors.New("no .local/stack.json here or in the directories above")

// deployment reads the stack file: the one that was named, or the nearest upward.
func (a *app) deployment() (deployment, error) {
	file := first(a.stackFile, a.getenv("ORDERFLOW_STACK_FILE"))
	d := deployment{file: file, named: file != "", outputs: map[string]string{}}
	if !d.named {
		var err error
		if d.file, err = nearest(filepath.Join(".local", "stack.json")); err != nil {
			return deployment{}, err
		}
	}
	data, err := readOwn(d.file)
	if errors.Is(err, errForeign) && !d.named {
		err = fmt.Errorf("%w, except one that is not used: %w", errNoStack, err)
	}
	if err != nil {
		return deployment{}, fmt.Errorf("the stack file: %w", err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(data, &values); err != nil {
		return deployment{}, fmt.Errorf("the stack file %s is not JSON: %w", d.file, err)
	}
	for name, value := range values {
		if text, ok := value.(string); ok {
			d.outputs[name] = text
		}
	}
	return d, nil
}

// errForeign: somebody else can say what is in the file.
var errForeign = errors.New("others can change it; it must be yours, and writable by you alone (chmod go-w)")

// readOwn reads a file that only the user may write. A stack file says where calls and tokens go, so one that somebody
// else put into a directory above must not be believed.
func readOwn(name string) (data []byte, err error) {
	f, err := os.Open(name) //nolint:gosec // G304: it is the caller's own file, read with the caller's own rights
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat() // of the file that is open, whatever takes its place meanwhile
	if err != nil {
		return nil, err
	}
	if !ownfile.Trusted(info) {
		return nil, fmt.Errorf("%s: %w", name, errForeign)
	}
	return io.ReadAll(f)
}

// nearest finds a file in the working directory or one above.
func nearest(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errNoStack
		}
		dir = parent
	}
}

// api returns a client that acts as who the flags say; else as a customer, or as an operator where role says so.
func (a *app) api(role string) (*client.Client, error) {
	d, missing := a.deployment()
	if missing != nil && (a.stackFile != "" || !errors.Is(missing, errNoStack)) {
		return nil, missing
	}
	url := a.address(d)
	if url == "" {
		return nil, fmt.Errorf("the API's address is not known: run this in a clone after `make up`, or give --api-url or $ORDERFLOW_API_URL (%w)", missing)
	}
	given := a.token
	if given == "" && a.user == "" && a.role == "" {
		given = a.getenv("ORDERFLOW_TOKEN")
		if given != "" && !d.named && a.address(deployment{}) == "" {
			return nil, usage("$ORDERFLOW_TOKEN is not sent to %s, which %s names: say where it goes by --api-url or $ORDERFLOW_API_URL; "+
				"or unset it, or give --user, to act as a user of the local stack", url, d.file)
		}
	}
	if given == "" && a.user == "" && a.role == "" {
		var err error
		if given, err = a.signedIn(url); err != nil {
			return nil, err
		}
	}
	return &client.Client{BaseURL: url, Token: func(ctx context.Context) (string, error) {
		switch {
		case given != "":
			return given, nil
		case d.outputs["EndpointUrl"] == "":
			return "", errors.New("only a local stack signs users in by itself: `orderflow login`, or give --token or $ORDERFLOW_TOKEN")
		}
		user := first(a.user, map[string]string{operator: "olga"}[role], "alice")
		return a.localToken(ctx, filepath.Dir(d.file), user, first(a.role, role))
	}}, nil
}

// first returns the first that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
