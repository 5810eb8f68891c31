package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"orderflow/internal/client"
	"orderflow/internal/devstack"
)

// operator is the group whose members may run the shop.
const operator = "operator"

// deployment is the outputs of a deployment by name, and the file that they were read from.
type deployment struct {
	file    string
	outputs map[string]string
}

var errNoStack = errors.New("no .local/stack.json here or in the directories above")

// deployment reads the stack file: the one that was named, or the nearest upward.
func (a *app) deployment() (deployment, error) {
	file := a.stackFile
	if file == "" {
		file = a.getenv("ORDERFLOW_STACK_FILE")
	}
	if file == "" {
		var err error
		if file, err = nearest(filepath.Join(".local", "stack.json")); err != nil {
			return deployment{}, err
		}
	}
	data, err := os.ReadFile(file) //nolint:gosec // G304: it is the caller's own file, read with the caller's own rights
	if err != nil {
		return deployment{}, fmt.Errorf("the stack file: %w", err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(data, &values); err != nil {
		return deployment{}, fmt.Errorf("the stack file %s is not JSON: %w", file, err)
	}
	d := deployment{file: file, outputs: map[string]string{}}
	for name, value := range values {
		if text, ok := value.(string); ok {
			d.outputs[name] = text
		}
	}
	return d, nil
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
		return nil, errors.New("the API's address is not known: run this in a clone after `make up`, or give --api-url or $ORDERFLOW_API_URL")
	}
	given := a.token
	if given == "" && a.user == "" && a.role == "" {
		given = a.getenv("ORDERFLOW_TOKEN")
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

func stackToken(ctx context.Context, dir, user, role string) (string, error) {
	s, err := devstack.Load(ctx, dir)
	if err != nil {
		return "", err
	}
	return s.Token(ctx, user, role)
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
