package main

import (
	"context"
	"errors"
)

// stackToken fails: the local stack runs on Linux and macOS.
func stackToken(context.Context, string, string, string) (string, error) {
	return "", errors.New("no local stack on Windows: run `orderflow login`, or give --token or $ORDERFLOW_TOKEN")
}
