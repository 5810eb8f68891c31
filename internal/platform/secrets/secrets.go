// Package secrets reads secrets from AWS Secrets Manager. Secrets are never in environment
// variables or logs.
package secrets

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
)

// ttl is how long a secret is cached, and so how long a rotated one may stay in use.
const ttl = 5 * time.Minute

// readTimeout bounds a read.
const readTimeout = 3 * time.Second

// Secret is a secret that is read on first use and cached.
type Secret struct {
	client *secretsmanager.Client
	name   string
	clock  clock.Clock

	mu    sync.Mutex
	value []byte
	until time.Time
}

// Open returns the secret with this name or ARN.
func Open(cfg aws.Config, name string, c clock.Clock) *Secret {
	return &Secret{client: secretsmanager.NewFromConfig(cfg), name: name, clock: c}
}

// Value returns the secret. An expired value is not used, even if reading a new one fails.
func (s *Secret) Value(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != nil && s.clock.Now().Before(s.until) {
		return s.value, nil
	}
	ctx, cancel := deadline.Shared(ctx, readTimeout)
	defer cancel()
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.name)})
	if err != nil {
		return nil, err
	}
	// Anybody can sign with an empty key.
	if aws.ToString(out.SecretString) == "" { // a binary secret has no string
		return nil, errors.New("secret " + s.name + " has no string value")
	}
	s.value, s.until = []byte(*out.SecretString), s.clock.Now().Add(ttl)
	return s.value, nil
}

// errAbsent means that the secret has no current value or is scheduled for deletion.
var errAbsent = fault.New(fault.Transient, "SecretUnavailable", "the secret has no current version")

// Present returns nil if the secret has a current value. It needs no permission to read the value.
func (s *Secret) Present(ctx context.Context) error {
	out, err := s.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String(s.name)})
	if err != nil {
		return err
	}
	for _, stages := range out.VersionIdsToStages {
		if out.DeletedDate == nil && slices.Contains(stages, "AWSCURRENT") {
			return nil
		}
	}
	return errAbsent
}
