//go:build !windows

package main

import (
	"context"

	"orderflow/internal/dev/devstack"
)

// stackToken returns a token for a user of the local stack in dir.
func stackToken(ctx context.Context, dir, user, role string) (string, error) {
	s, err := devstack.Load(ctx, dir)
	if err != nil {
		return "", err
	}
	return s.Token(ctx, user, role)
}
