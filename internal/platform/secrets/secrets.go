// Package secrets reads secrets from AWS Secrets Manager. A secret never stands in an
// environment variable or in a log.
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

// ttl is how long a secret is kept, which bounds how long a rotated one stays in use.
const ttl = 5 * time.Minute

// patience bounds a reading.
const patience = 3 * time.Second

// Secret is one secret, read when first needed.
type Secret struct {
	client *secretsmanager.Client
	name   string
	clock  clock.Clock

	mu    sync.Mutex
	value []byte
	until time.Time
}

// Open returns the secret called name (or with that ARN).
func Open(cfg aws.Config, name string, c clock.Clock) *Secret {
	return &Secret{client: secretsmanager.NewFromConfig(cfg), name: name, clock: c}
}

// Value returns the secret. Out of date, it is not used any more, even where asking for it fails.
func (s *Secret) Value(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != nil && s.clock.Now().Before(s.until) {
		return s.value, nil
	}
	ctx, cancel := deadline.Shared(ctx, patience)
	defer cancel()
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.name)})
	if err != nil {
		return nil, err
	}
	if aws.ToString(out.SecretString) == "" { // also a binary one; an empty key would verify anybody's signature
		return nil, errors.New("secret " + s.name + " has no text")
	}
	s.value, s.until = []byte(*out.SecretString), s.clock.Now().Add(ttl)
	return s.value, nil
}

// errAbsent: the secret has no value now, or is about to be deleted.
var errAbsent = fault.New(fault.Transient, "SecretUnavailable", "the secret has no current version")

// Present returns nil if the secret has a current value. It does not read it, nor need the right to.
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
