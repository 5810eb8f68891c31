// Package kafka is the log of reporting in Kafka: topics orderflow.<service>.events, which exist.
// Connections use TLS and SASL/SCRAM-SHA-512, with user and certificate authority from secrets.
//
// A Lambda function is frozen between invocations, and its connections die unnoticed. A client that
// was idle is therefore replaced, and every wait is bounded.
package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/secrets"
)

// Waits. Together with a second attempt they fit into the timeout of forward-events, 20 s.
const (
	dialTimeout = 2 * time.Second
	// answerTimeout bounds the wait for any answer. A produce request may take as long again: the
	// brokers wait for their replicas.
	answerTimeout = 3 * time.Second
	// idleTimeout bounds the idle time of a client, including the time that the process is frozen.
	// Firewalls and brokers drop idle connections after minutes.
	idleTimeout = 30 * time.Second
)

// errUnavailable is the error of a log that cannot be used at the moment.
var errUnavailable = fault.New(fault.Transient, "LogUnavailable", "Kafka did not do it in time; try again")

// Config says how to connect.
type Config struct {
	Brokers []string // host:port, some of the cluster
	// User returns the secret {"username", "password"}.
	User func(context.Context) ([]byte, error)
	// CA returns the secret {"certificate"} in PEM; nil for the system's certificate authorities.
	CA    func(context.Context) ([]byte, error)
	Clock clock.Clock
}

// FromEnv returns the configuration of a function that connects to its stack's broker.
func FromEnv(env *function.Env) Config {
	aws := env.AWS()
	c := Config{
		Brokers: strings.Split(env.Require("KAFKA_BROKERS"), ","), Clock: env.Clock,
		User: secrets.Open(aws, env.Require("KAFKA_SECRET"), env.Clock).Value,
	}
	if ca := env.Optional("KAFKA_CA_SECRET"); ca != "" {
		c.CA = secrets.Open(aws, ca, env.Clock).Value
	}
	return c
}

// connection is a client that is opened by its first use, and again after a pause.
type connection struct {
	Config
	options []kgo.Opt

	mu     sync.Mutex
	client *kgo.Client
	used   time.Time
}

// open returns the client, and a function to call when its work is done. Work begun with one client
// may end after the client was replaced: it then fails.
func (c *connection) open(ctx context.Context) (*kgo.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Now()
	idle := now.Sub(c.used) > idleTimeout
	c.used = now
	if c.client != nil && !idle {
		return c.client, nil
	}
	if c.client != nil {
		c.discard()
	}
	roots, err := c.roots(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.auth(ctx); err != nil { // not to wait for a connection that cannot be made
		return nil, err
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...), kgo.SASL(scram.Sha512(c.auth)),
		kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}),
		kgo.DialTimeout(dialTimeout), kgo.RequestTimeoutOverhead(answerTimeout), kgo.RetryTimeout(2 * answerTimeout),
		kgo.DisableClientMetrics(), kgo.WithLogger(logger{}),
	}, c.options...)...)
	if err != nil {
		return nil, fault.New(fault.Internal, "InvalidKafkaConfiguration", "the client refuses its options").
			Because(err)
	}
	c.client = client
	return client, nil
}

// touch records that the client answered: the time of a long call does not count as idle.
func (c *connection) touch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = c.Clock.Now()
}

// drop makes the next call open a new client.
func (c *connection) drop(client *kgo.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == client {
		c.discard()
	}
}

// discard closes the client in the background: a dead connection must not hold up the invocation.
func (c *connection) discard() {
	go c.client.Close()
	c.client = nil
}

// Close closes the connections.
func (c *connection) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
		c.client = nil
	}
}

func (c *connection) roots(ctx context.Context) (*x509.CertPool, error) {
	if c.CA == nil {
		return nil, nil //nolint:nilnil // nil are the system's
	}
	var ca struct{ Certificate string }
	if err := read(ctx, c.CA, &ca); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca.Certificate)) {
		return nil, fault.New(fault.Transient, "InvalidSecret",
			"the brokers' certificate authority is not a certificate in PEM")
	}
	return roots, nil
}

// auth reads the user at each connection, so a rotated password is used without a restart.
func (c *connection) auth(ctx context.Context) (scram.Auth, error) {
	var user struct{ Username, Password string }
	err := read(ctx, c.User, &user)
	return scram.Auth{User: user.Username, Pass: user.Password}, err
}

// read decodes a secret. Errors do not repeat it.
func read(ctx context.Context, secret func(context.Context) ([]byte, error), v any) error {
	b, err := secret(ctx)
	if err != nil {
		return err
	}
	if json.Unmarshal(b, v) != nil {
		return fault.New(fault.Transient, "InvalidSecret", "a secret of Kafka is not JSON of the documented form")
	}
	return nil
}

// logger logs why a client cannot work: its errors say only that it took too long.
type logger struct{}

func (logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (logger) Log(_ kgo.LogLevel, msg string, keyvals ...any) {
	var attrs []any
	for i := 0; i+1 < len(keyvals); i += 2 {
		if name, _ := keyvals[i].(string); name == "err" || name == "broker" || name == "topic" || name == "partition" {
			attrs = append(attrs, name, keyvals[i+1])
		}
	}
	slog.Warn("kafka: "+msg, attrs...)
}

// within returns a context that ends early enough for the invocation to answer.
func within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if end, bounded := ctx.Deadline(); bounded {
		most = min(most, max(0, time.Until(end)-time.Second))
	}
	return context.WithTimeoutCause(ctx, most, errUnavailable)
}
