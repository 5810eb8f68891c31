package rabbitmq

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"orderflow/internal/platform/clock"
)

// Config says where the broker is and who connects.
type Config struct {
	// URL is amqps://host:port/vhost, without credentials.
	URL string
	// Exchange is the name of a durable exchange, which must exist.
	Exchange string
	// Credentials are read at each connection.
	Credentials func(ctx context.Context) (username, password string, err error)
	// Roots are the certificates to trust, read at each connection; nil stands for the system's.
	Roots func(ctx context.Context) (*x509.CertPool, error)
	// Name is shown in the broker's list of connections.
	Name  string
	Clock clock.Clock
}

// New returns an exchange. It connects at the first message.
func New(c Config) *Exchange {
	dial := func(ctx context.Context) (session, error) { return c.connect(ctx) }
	return &Exchange{dial: dial, clock: c.Clock}
}

// connection is a session by amqp091-go.
type connection struct {
	exchange string
	raw      net.Conn
	conn     *amqp.Connection
	channel  *amqp.Channel
	returned chan amqp.Return
	blocked  atomic.Bool
}

func (c Config) connect(ctx context.Context) (_ *connection, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s := &connection{exchange: c.Exchange, returned: make(chan amqp.Return, 1)}
	username, password, err := c.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Roots != nil {
		if tlsConfig.RootCAs, err = c.Roots(ctx); err != nil {
			return nil, err
		}
	}
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(c.Name)
	s.conn, err = amqp.DialConfig(c.URL, amqp.Config{
		SASL:      []amqp.Authentication{&amqp.PlainAuth{Username: username, Password: password}},
		Heartbeat: heartbeat, TLSClientConfig: tlsConfig, Properties: properties,
		Dial: func(network, address string) (net.Conn, error) {
			raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			s.raw = raw
			// The library clears the deadline when the connection is open.
			return bounded{raw}, raw.SetDeadline(clock.System{}.Now().Add(connectTimeout))
		},
	})
	if err != nil {
		if s.raw != nil {
			_ = s.raw.Close()
		}
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// open opens the channel, in confirm mode. The library would wait for the broker without end.
func (s *connection) open(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.Close)()
	var err error
	if s.channel, err = s.conn.Channel(); err != nil {
		return err
	}
	if err := s.channel.Confirm(false); err != nil {
		return err
	}
	s.channel.NotifyReturn(s.returned)
	blocked := s.conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	go func() { // until the library closes blocked with the connection
		for b := range blocked {
			s.blocked.Store(b.Active)
		}
	}()
	return nil
}

// Publish sends one message and waits for its confirmation.
func (s *connection) Publish(ctx context.Context, m message) error {
	if s.blocked.Load() {
		return ErrBlocked
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	headers := amqp.Table{}
	if m.traceParent != "" {
		headers["traceparent"] = m.traceParent
	}
	confirmation, err := s.channel.PublishWithDeferredConfirm(s.exchange, m.key, true, false, amqp.Publishing{
		DeliveryMode: amqp.Persistent, ContentType: "application/json", MessageId: m.id, Type: m.key, Timestamp: m.at,
		Headers: headers, Body: m.body,
	})
	if err != nil {
		return ErrUnconfirmed.Because(err)
	}
	confirmed, err := confirmation.WaitContext(ctx)
	select {
	case _, open := <-s.returned: // the broker returns a message before it confirms it
		if open {
			return ErrReturned
		}
	default:
	}
	switch {
	case confirmed:
		return nil
	case s.blocked.Load():
		return ErrBlocked
	case err == nil:
		err = errors.New("the broker refused it or closed the channel")
	}
	return ErrUnconfirmed.Because(err)
}

// Alive reports whether neither side has closed the channel or the connection.
func (s *connection) Alive() bool { return !s.channel.IsClosed() }

// Close closes the socket. AMQP's close handshake would wait for a broker that may be gone.
func (s *connection) Close() { _ = s.raw.Close() }

// bounded is a connection whose writes cannot block for ever, as they would with a full buffer and
// a peer that has gone silent.
type bounded struct{ net.Conn }

func (b bounded) Write(p []byte) (int, error) {
	if err := b.SetWriteDeadline(clock.System{}.Now().Add(confirmTimeout)); err != nil {
		return 0, err
	}
	return b.Conn.Write(p)
}
