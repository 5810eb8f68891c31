package kafka_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/kafka"
	"orderflow/internal/reporting/logtest"
)

const topic = "orderflow.orders.events"

// cluster is a Kafka in this process, with TLS and one account.
type cluster struct {
	*kfake.Cluster
	wires *wires
	ca    []byte // PEM
}

func start(t *testing.T, opts ...kfake.Opt) cluster {
	t.Helper()
	certificate, ca := certificates(t)
	w := &wires{}
	c, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(3), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "reporting", "s3cret"),
		kfake.TLS(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}),
		kfake.ListenFn(w.listen), kfake.DefaultNumPartitions(3),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return cluster{c, w, ca}
}

func started(t *testing.T) cluster {
	t.Helper()
	return start(t, kfake.SeedTopics(3, topic))
}

func (c cluster) config(clk clock.Clock) kafka.Config {
	return kafka.Config{
		Brokers: c.ListenAddrs(), Clock: clk,
		User: secret(map[string]string{"username": "reporting", "password": "s3cret"}),
		CA:   secret(map[string]string{"certificate": string(c.ca)}),
	}
}

func secret(v any) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return json.Marshal(v) }
}

// certificates returns the certificate of a server at 127.0.0.1, and its authority in PEM.
func certificates(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kafka"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, own, own, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func producer(t *testing.T, c kafka.Config) *kafka.Producer {
	t.Helper()
	p := kafka.NewProducer(c)
	t.Cleanup(p.Close)
	return p
}

func messages(n int, of string) (all []reporting.Message) {
	for i := range n {
		all = append(all, reporting.Message{Topic: of, Key: fmt.Appendf(nil, "o-%d", i), Value: []byte("{}")})
	}
	return all
}

// failed returns how many messages failed, and one of the errors.
func failed(errs []error) (n int, last error) {
	for _, err := range errs {
		if err != nil {
			n, last = n+1, err
		}
	}
	return n, last
}

// stored counts the records in the topic.
func (c cluster) stored() (n int64) {
	for _, p := range c.PartitionInfos(topic) {
		n += p.HighWatermark
	}
	return n
}

type both struct {
	*kafka.Log
	*kafka.Producer
	cluster
	t *testing.T
}

func (b both) Close() {}

func (b both) Trim(topic string, partition int32, first int64) {
	b.t.Helper()
	if err := b.DeleteRecords(topic, partition, first); err != nil {
		b.t.Fatal(err)
	}
}

func TestLog(t *testing.T) {
	logtest.Run(t, func(t *testing.T, topics ...string) logtest.Log {
		t.Helper()
		c := start(t, kfake.SeedTopics(3, topics...))
		log := kafka.NewLog(c.config(clock.System{}), topics...)
		t.Cleanup(log.Close)
		return both{log, producer(t, c.config(clock.System{})), c, t}
	})
}

// logged returns what has been logged since.
func logged(t *testing.T) (lines func() string) {
	t.Helper()
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return out.String
}

func TestWrongPasswordStoresNothing(t *testing.T) {
	c := started(t)
	wrong := c.config(clock.System{})
	wrong.User = secret(map[string]string{"username": "reporting", "password": "n0t-it"})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	n, err := failed(producer(t, wrong).Append(ctx, messages(2, topic)))
	if n != 2 || c.stored() != 0 || strings.Contains(err.Error(), "n0t-it") {
		t.Errorf("%d failed, %v, %d are stored", n, err, c.stored())
	}
}

// kfake hangs up on a wrong password; Kafka answers with this code.
func TestRefusedAccountsAreLoggedWithTheReason(t *testing.T) {
	lines := logged(t)
	c := started(t)
	c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.SASLAuthenticate}, TopLevel: true, Err: kerr.SaslAuthenticationFailed, Count: -1,
	})
	p := producer(t, c.config(clock.System{}))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if n, err := failed(p.Append(ctx, messages(2, topic))); n != 2 || c.stored() != 0 {
		t.Errorf("%d failed, %v, %d are stored", n, err, c.stored())
	}
	p.Close()
	if got := lines(); !strings.Contains(got, "SASL_AUTHENTICATION_FAILED") || strings.Contains(got, "s3cret") {
		t.Errorf("the log should say why, without the password:\n%s", got)
	}
}

func TestBrokersOfAnotherAuthorityAreRefused(t *testing.T) {
	c := started(t)
	foreign := c.config(clock.System{})
	_, other := certificates(t)
	foreign.CA = secret(map[string]string{"certificate": string(other)})
	system := c.config(clock.System{})
	system.CA = nil
	for name, config := range map[string]kafka.Config{"another's": foreign, "the system's": system} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		if n, _ := failed(producer(t, config).Append(ctx, messages(1, topic))); n != 1 || c.stored() != 0 {
			t.Errorf("%s: produced", name)
		}
		cancel()
	}
}

func text(secret string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return []byte(secret), nil }
}

func none(context.Context) ([]byte, error) { return nil, errors.New("none") }

func TestBrokenSecretsFailWithoutTheirContent(t *testing.T) {
	c := started(t)
	for name, corrupt := range map[string]func(*kafka.Config){
		"no JSON":        func(k *kafka.Config) { k.CA = text("s3cret") },
		"no certificate": func(k *kafka.Config) { k.CA = secret(map[string]string{"certificate": "s3cret"}) },
		"no secret":      func(k *kafka.Config) { k.CA = none },
		"no account":     func(k *kafka.Config) { k.User = text("s3cret") },
		"no user":        func(k *kafka.Config) { k.User = none },
	} {
		broken := c.config(clock.System{})
		corrupt(&broken)
		began := time.Now()
		n, err := failed(producer(t, broken).Append(t.Context(), messages(1, topic)))
		if n != 1 || fault.KindOf(err) != fault.Transient || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %d failed, %v", name, n, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: failed only after %s", name, took)
		}
	}
}

func TestMessageThatIsTooLargeFailsAlone(t *testing.T) {
	c := started(t)
	batch := messages(3, topic)
	batch[1].Value = make([]byte, 2<<20)
	_, _ = rand.Read(batch[1].Value) // does not compress
	errs := producer(t, c.config(clock.System{})).Append(t.Context(), batch)
	if n, err := failed(errs); n != 1 || errs[1] == nil || fault.KindOf(err) != fault.Invalid {
		t.Errorf("errors %v, want only the second, for good", errs)
	}
	if c.stored() != 2 {
		t.Errorf("%d are stored, want 2", c.stored())
	}
}

func TestLeaderThatMovesIsFollowed(t *testing.T) {
	c := started(t)
	p := producer(t, c.config(clock.System{}))
	for range 5 {
		if n, err := failed(p.Append(t.Context(), messages(20, topic))); n > 0 {
			t.Fatalf("%d failed: %v", n, err)
		}
		c.ShufflePartitionLeaders()
	}
	if c.stored() != 100 {
		t.Errorf("%d are stored, want 100", c.stored())
	}
}

func TestRepliesThatAreLostStoreNothingTwice(t *testing.T) {
	c := started(t)
	lost := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicasAfterAppend, Count: 3})
	if n, err := failed(producer(t, c.config(clock.System{})).Append(t.Context(), messages(20, topic))); n > 0 {
		t.Fatalf("%d failed: %v", n, err)
	}
	if lost.Hits() == 0 || c.stored() != 20 {
		t.Errorf("%d replies were lost, %d records are stored, want 20", lost.Hits(), c.stored())
	}
}

func TestPartitionWithoutReplicasFailsItsMessagesOnly(t *testing.T) {
	c := started(t)
	c.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{1}, Err: kerr.NotEnoughReplicas, Count: -1,
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	began := time.Now()
	n, err := failed(producer(t, c.config(clock.System{})).Append(ctx, messages(30, topic)))
	if n == 0 || n == 30 || fault.KindOf(err) != fault.Transient || c.stored() != int64(30-n) {
		t.Errorf("%d failed, %v; %d are stored", n, err, c.stored())
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s, longer than the invocation", took)
	}
}

func TestBrokersThatAreGoneFailInTimeAndReturn(t *testing.T) {
	c := started(t)
	clk := clock.At(time.Now())
	p := producer(t, c.config(clk))
	if n, err := failed(p.Append(t.Context(), messages(3, topic))); n > 0 {
		t.Fatal(err)
	}
	c.wires.cut(true)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	began := time.Now()
	if n, err := failed(p.Append(ctx, messages(3, topic))); n != 3 || fault.KindOf(err) != fault.Transient {
		t.Errorf("%d failed, %v", n, err)
	}
	if left := 4*time.Second - time.Since(began); left < 500*time.Millisecond {
		t.Errorf("only %s are left to answer", left)
	}
	c.wires.cut(false)
	if n, err := failed(p.Append(t.Context(), messages(3, topic))); n > 0 {
		t.Fatalf("after they returned: %v", err)
	}
	if c.stored() < 6 {
		t.Errorf("%d are stored, want at least 6", c.stored())
	}
}

// While a function is frozen, its connections die without a sign.
func TestConnectionsThatDiedInThePauseAreReplaced(t *testing.T) {
	for name, pause := range map[string]struct {
		idle   time.Duration // as the clock tells it
		within time.Duration
	}{
		"noticed by the clock": {time.Hour, 2 * time.Second},
		"noticed by a timeout": {time.Second, 14 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := started(t)
			clk := clock.At(time.Now())
			p := producer(t, c.config(clk))
			if n, err := failed(p.Append(t.Context(), messages(3, topic))); n > 0 {
				t.Fatal(err)
			}
			c.wires.darken()
			clk.Advance(pause.idle)
			began := time.Now()
			n, err := failed(p.Append(t.Context(), messages(3, topic)))
			if took := time.Since(began); n > 0 || took > pause.within {
				t.Errorf("%d failed after %s: %v", n, took, err)
			}
			if c.stored() != 6 {
				t.Errorf("%d are stored, want 6", c.stored())
			}
		})
	}
}

// wires are the brokers' sides of all connections.
type wires struct {
	mu    sync.Mutex
	is    bool // cut: new connections are closed at once
	conns []*wire
}

type wire struct {
	net.Conn
	once   sync.Once
	dark   chan struct{}
	closed chan struct{}
}

func (w *wires) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return listener{l, w}, err
}

type listener struct {
	net.Listener
	w *wires
}

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.w.is {
		_ = conn.Close()
	}
	of := &wire{Conn: conn, dark: make(chan struct{}), closed: make(chan struct{})}
	l.w.conns = append(l.w.conns, of)
	return of, nil
}

// cut closes all connections, and new ones until it is undone.
func (w *wires) cut(is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.is = is
	for _, c := range w.conns {
		_ = c.Conn.Close()
	}
	w.conns = nil
}

// darken has what is sent over the present connections get lost, in both directions.
func (w *wires) darken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		close(c.dark)
	}
	w.conns = nil
}

func (c *wire) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.dark:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (c *wire) Write(b []byte) (int, error) {
	select {
	case <-c.dark:
		return len(b), nil
	default:
		return c.Conn.Write(b)
	}
}

func (c *wire) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func TestReadOfAPartitionThatRetentionHasEmptied(t *testing.T) {
	c := started(t)
	if n, err := failed(producer(t, c.config(clock.System{})).Append(t.Context(), messages(30, topic))); n > 0 {
		t.Fatal(err)
	}
	var end int64
	for _, p := range c.PartitionInfos(topic) {
		if p.Partition == 0 {
			end = p.HighWatermark
		}
	}
	if err := c.DeleteRecords(topic, 0, end); err != nil {
		t.Fatal(err)
	}
	log := kafka.NewLog(c.config(clock.System{}), topic)
	t.Cleanup(log.Close)
	began := time.Now()
	got, err := log.Read(t.Context(), topic, 0, 0, 1000)
	if err != nil || len(got) > 0 || time.Since(began) > 5*time.Second {
		t.Errorf("%d records, %v, after %s; want none at once", len(got), err, time.Since(began))
	}
}
