package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/ownfile"
	"orderflow/internal/platform/bearer/issuer"
)

// operator is the group of users who may call operators' operations.
const operator = "operator"

// deployment holds the outputs of a deployment by name, and the file that they were read from.
type deployment struct {
	file string
	// named says that the caller gave the file, by a flag or the environment. Otherwise it was
	// found in the working directory or one above.
	named   bool
	outputs map[string]string
}

var errNoStack = errors.New("no .local/stack.json in this directory or any above")

// deployment reads the stack file: the named one, or the nearest upward.
func (a *app) deployment() (deployment, error) {
	file := cmp.Or(a.stackFile, a.getenv("ORDERFLOW_STACK_FILE"))
	d := deployment{file: file, named: file != "", outputs: map[string]string{}}
	if !d.named {
		var err error
		if d.file, err = nearest(filepath.Join(".local", "stack.json")); err != nil {
			return deployment{}, err
		}
	}
	data, err := readTrusted(d.file)
	if errors.Is(err, errUntrusted) && !d.named {
		err = fmt.Errorf("%w, except an untrusted one: %w", errNoStack, err)
	}
	if err != nil {
		return deployment{}, fmt.Errorf("stack file: %w", err)
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

// errUntrusted says that another user could have written the file.
var errUntrusted = errors.New("others can change it; it must be yours and writable only by you (chmod go-w)")

// readTrusted reads a file that only the user may write. A stack file says where calls and tokens
// go, so one that another user put into a directory above must not be used.
func readTrusted(name string) (data []byte, err error) {
	f, err := os.Open(name) //nolint:gosec // G304: the caller's own file, read with the caller's rights
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat() // the open file, even if the path is replaced in the meantime
	if err != nil {
		return nil, err
	}
	if !ownfile.Trusted(info) {
		return nil, fmt.Errorf("%s: %w", name, errUntrusted)
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

// withAPI returns a RunE that calls run with a client of the API; see api for the role.
func (a *app) withAPI(role string, run func(*cobra.Command, []string, *client.Client) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.api(role)
		if err != nil {
			return err
		}
		return run(cmd, args, c)
	}
}

// api returns a client that acts as the user given by flags, environment or sign-in; otherwise as a
// local customer, or as a local operator if the role says so.
func (a *app) api(role string) (*client.Client, error) {
	d, missing := a.deployment()
	if missing != nil && (a.stackFile != "" || !errors.Is(missing, errNoStack)) {
		return nil, missing
	}
	url := a.address(d)
	if url == "" {
		return nil, fmt.Errorf("the API's address is unknown: run this in a clone after `make up`, "+
			"or give --api-url or $ORDERFLOW_API_URL (%w)", missing)
	}
	given := a.token
	if given == "" && a.user == "" && a.role == "" {
		given = a.getenv("ORDERFLOW_TOKEN")
		if given != "" && !d.named && a.address(deployment{}) == "" {
			return nil, usage("$ORDERFLOW_TOKEN is not sent to %s, which only %s names: "+
				"give the address by --api-url or $ORDERFLOW_API_URL; "+
				"to act as a user of the local stack, unset the token or give --user", url, d.file)
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
		case d.outputs["TokenIssuer"] == issuer.Name:
			return signed(filepath.Dir(d.file), cmp.Or(a.user, localUsers[role]), cmp.Or(a.role, role))
		case d.outputs["EndpointUrl"] == "":
			return "", errors.New("not signed in: run `orderflow login`, or give --token or $ORDERFLOW_TOKEN " +
				"(only a local stack signs users in by itself)")
		}
		return a.localToken(ctx, filepath.Dir(d.file), cmp.Or(a.user, localUsers[role]), cmp.Or(a.role, role))
	}}, nil
}

// localUsers are the users of a local stack that the CLI acts as, by role.
var localUsers = map[string]string{operator: "olga", "": "alice"}

// signed returns a token signed with the key in dir, of a process that runs with -dev.
func signed(dir, user, role string) (string, error) {
	own, err := issuer.In(dir)
	if err == nil && own == nil {
		err = errors.New("the key for tokens is missing: start the process again with -dev")
	}
	if err != nil {
		return "", err
	}
	return own.Token(user, role, time.Now())
}
