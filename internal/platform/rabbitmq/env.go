package rabbitmq

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/secrets"
)

// FromEnv returns an exchange of the broker RABBITMQ_URL. The secret RABBITMQ_SECRET holds username
// and password, as Lambda's event source needs them, too. The secret RABBITMQ_CA_SECRET holds the
// certificate of the broker's authority; without it the system's authorities are trusted.
func FromEnv(env *function.Env, exchange string) *Exchange {
	c := Config{
		URL: env.Require("RABBITMQ_URL"), Exchange: exchange,
		Name: function.Name(context.Background()), Clock: env.Clock,
		Credentials: credentials(secrets.Open(env.AWS(), env.Require("RABBITMQ_SECRET"), env.Clock)),
	}
	if name := env.Optional("RABBITMQ_CA_SECRET"); name != "" {
		c.Roots = roots(secrets.Open(env.AWS(), name, env.Clock))
	}
	return New(c)
}

func credentials(s *secrets.Secret) func(context.Context) (string, string, error) {
	return func(ctx context.Context) (string, string, error) {
		var user struct{ Username, Password string }
		err := read(ctx, s, &user)
		return user.Username, user.Password, err
	}
}

func roots(s *secrets.Secret) func(context.Context) (*x509.CertPool, error) {
	return func(ctx context.Context) (*x509.CertPool, error) {
		var authority struct{ Certificate string }
		if err := read(ctx, s, &authority); err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(authority.Certificate)) {
			return nil, errors.New("the secret of the broker's authority holds no certificate")
		}
		return pool, nil
	}
}

// read decodes a secret. The error does not quote the secret.
func read(ctx context.Context, s *secrets.Secret, into any) error {
	text, err := s.Value(ctx)
	if err != nil {
		return err
	}
	if json.Unmarshal(text, into) != nil {
		return errors.New("a secret of the broker is not the expected JSON")
	}
	return nil
}
