package rabbitmq

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
)

// The broker of these tests speaks just enough AMQP 0-9-1 to answer publications as a test says.
// test/brokers checks with the real one that RabbitMQ behaves like it.

// answer is what the broker does with a message.
type answer int

const (
	confirms answer = iota
	refuses
	returns
	closesTheChannel
	closesTheConnection
	saysBlocked
	isSilent
)

// broker serves one connection after the other. Each message gets the next answer; without one it
// is confirmed.
type broker struct {
	t           *testing.T
	listener    net.Listener
	answers     []answer
	connections int
	mandatory   bool // whether all messages were mandatory
}

func newBroker(t *testing.T, answers ...answer) *broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, listener: l, answers: answers, mandatory: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.connections++
			b.serve(c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return b
}

// Methods, as class and method.
const (
	connectionStart   = 10<<16 | 10
	connectionTune    = 10<<16 | 30
	connectionOpen    = 10<<16 | 40
	connectionOpenOK  = 10<<16 | 41
	connectionBlocked = 10<<16 | 60
	channelOpen       = 20<<16 | 10
	channelOpenOK     = 20<<16 | 11
	channelClose      = 20<<16 | 40
	basicPublish      = 60<<16 | 40
	basicReturn       = 60<<16 | 50
	basicAck          = 60<<16 | 80
	basicNack         = 60<<16 | 120
	confirmSelect     = 85<<16 | 10
	confirmSelectOK   = 85<<16 | 11
)

const frameMethod, frameHeader, frameBody, frameEnd = 1, 2, 3, 0xce

func (b *broker) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	if _, err := r.Discard(len("AMQP0091")); err != nil {
		return
	}
	send(c, 0, connectionStart, []byte{0, 9}, uint32(0), long("PLAIN"), long("en_US"))
	for tag := uint64(0); ; {
		kind, channel, payload, err := frame(r)
		if err != nil {
			return
		}
		switch {
		case kind == frameBody: // the last frame of a message; none here has an empty body
			tag++
			if !b.answer(c, channel, tag) {
				return
			}
		case kind != frameMethod:
		default:
			b.method(c, channel, binary.BigEndian.Uint32(payload), payload)
		}
	}
}

func (b *broker) method(c net.Conn, channel uint16, id uint32, payload []byte) {
	switch id {
	case 10<<16 | 11: // start-ok
		send(c, 0, connectionTune, uint16(0), uint32(128<<10), uint16(10))
	case connectionOpen:
		send(c, 0, connectionOpenOK, []byte{0})
	case channelOpen:
		send(c, channel, channelOpenOK, uint32(0))
	case confirmSelect:
		send(c, channel, confirmSelectOK)
	case basicPublish:
		b.mandatory = b.mandatory && payload[len(payload)-1]&1 == 1
	}
}

// answer answers a message, and reports whether the connection goes on.
func (b *broker) answer(c net.Conn, channel uint16, tag uint64) bool {
	var a answer
	if len(b.answers) > 0 {
		a, b.answers = b.answers[0], b.answers[1:]
	}
	switch a {
	case confirms:
		send(c, channel, basicAck, tag, []byte{0})
	case refuses:
		send(c, channel, basicNack, tag, []byte{0})
	case returns:
		send(c, channel, basicReturn, uint16(312), short("NO_ROUTE"), short("x"), short("k"))
		write(c, frameHeader, channel, uint16(60), uint16(0), uint64(0), uint16(0))
		send(c, channel, basicAck, tag, []byte{0})
	case closesTheChannel:
		send(c, channel, channelClose, uint16(404), short("NOT_FOUND"), uint16(60), uint16(40))
	case closesTheConnection:
		return false
	case saysBlocked:
		send(c, 0, connectionBlocked, short("memory"))
	case isSilent:
	}
	return true
}

func send(c net.Conn, channel uint16, method uint32, arguments ...any) {
	write(c, frameMethod, channel, append([]any{method}, arguments...)...)
}

func write(c net.Conn, kind byte, channel uint16, parts ...any) {
	var payload, all bytes.Buffer
	for _, p := range parts {
		_ = binary.Write(&payload, binary.BigEndian, p)
	}
	for _, p := range []any{kind, channel, uint32(payload.Len()), payload.Bytes(), byte(frameEnd)} {
		_ = binary.Write(&all, binary.BigEndian, p)
	}
	_, _ = c.Write(all.Bytes())
}

func short(s string) []byte { return append([]byte{byte(len(s))}, s...) }

func long(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }

func frame(r io.Reader) (kind byte, channel uint16, payload []byte, err error) {
	var head struct {
		Kind    byte
		Channel uint16
		Size    uint32
	}
	if err = binary.Read(r, binary.BigEndian, &head); err != nil {
		return 0, 0, nil, err
	}
	payload = make([]byte, head.Size+1)
	_, err = io.ReadFull(r, payload)
	return head.Kind, head.Channel, payload[:head.Size], err
}

func (b *broker) exchange() *Exchange {
	return New(Config{
		URL: "amqp://" + b.listener.Addr().String() + "/orderflow", Exchange: "x", Name: "test", Clock: clock.System{},
		Credentials: func(context.Context) (string, string, error) { return "u", "p", nil },
	})
}

// want publishes a message for each error.
func (b *broker) want(connections int, want ...error) {
	b.t.Helper()
	e := b.exchange()
	for i, w := range want {
		ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
		if err := e.Publish(ctx, "k", "id", []byte("body")); !errors.Is(err, w) {
			b.t.Errorf("message %d: %v, want %v", i+1, err, w)
		}
		cancel()
	}
	if e.session != nil {
		e.drop()
	}
	_ = b.listener.Close()
	if b.connections != connections || !b.mandatory {
		b.t.Errorf("%d connections, want %d; all mandatory: %t", b.connections, connections, b.mandatory)
	}
}

func TestConfirmedMessagesShareAConnection(t *testing.T) {
	newBroker(t).want(1, nil, nil, nil)
}

func TestReturnedMessageFailsAlone(t *testing.T) {
	newBroker(t, returns, confirms, returns).want(1, ErrReturned, nil, ErrReturned)
}

func TestRefusedMessageIsUnconfirmed(t *testing.T) {
	newBroker(t, refuses, confirms).want(2, ErrUnconfirmed, nil)
}

func TestClosedChannelOrConnectionIsNoConfirmation(t *testing.T) {
	for _, closes := range []answer{closesTheChannel, closesTheConnection} {
		newBroker(t, closes, confirms).want(2, ErrUnconfirmed, nil)
		// An old connection may have died before the message: one more attempt on a new one.
		newBroker(t, confirms, closes, confirms).want(2, nil, nil)
	}
}

func TestSilenceOfAnOldConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	began := time.Now()
	newBroker(t, confirms, isSilent, confirms).want(2, nil, nil)
	if took := time.Since(began); took < confirmTimeout || took > 2*confirmTimeout {
		t.Errorf("noticed after %s, want a little more than %s", took, confirmTimeout)
	}
}

func TestBlockedBrokerFailsTheMessage(t *testing.T) {
	t.Parallel()
	newBroker(t, confirms, saysBlocked).want(1, nil, ErrBlocked)
}

func TestCallerBoundsTheWait(t *testing.T) {
	b := newBroker(t, isSilent)
	e := b.exchange()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := e.Publish(ctx, "k", "id", []byte("body"))
	if !errors.Is(err, ErrUnconfirmed) || time.Since(began) > time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
