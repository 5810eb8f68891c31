package brokers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/devstack"
)

// foreign trusts an authority that is not the brokers'.
func foreign(t *testing.T) *tls.Config {
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func isForeign(err error) bool {
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}

// channel returns a channel with publisher confirms.
func channel(t *testing.T, a brokers.Account) *amqp.Channel {
	t.Helper()
	c, err := real.DialRabbitMQ(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // a killed broker has closed it
	ch, err := c.Channel()
	if err == nil {
		err = ch.Confirm(false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// publish returns when the broker has confirmed the message.
func publish(ctx context.Context, ch *amqp.Channel, exchange, key, body string) error {
	confirmation, err := ch.PublishWithDeferredConfirmWithContext(ctx, exchange, key, true, false,
		amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)})
	if err != nil {
		return err
	}
	confirmed, err := confirmation.WaitContext(ctx)
	if err == nil && !confirmed {
		err = errors.New("not confirmed")
	}
	return err
}

// receive takes the next message of a queue.
func receive(ctx context.Context, ch *amqp.Channel, queue string) (string, error) {
	for {
		m, found, err := ch.Get(queue, true)
		if err != nil || found {
			return string(m.Body), err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestRabbitMQKeepsMessagesThroughAKill(t *testing.T) {
	ctx := within(t, time.Minute)
	ch := channel(t, real.Orderflow)
	for i := range 10 {
		if err := publish(ctx, ch, brokers.PickJobs, "pick.requested", fmt.Sprint("job ", i)); err != nil {
			t.Fatal(err)
		}
	}
	address := real.RabbitMQ.Address()
	if err := real.RabbitMQ.Kill(); err != nil {
		t.Fatal(err)
	}
	if c, err := real.DialRabbitMQ(real.Orderflow); err == nil {
		t.Error("a killed broker answered", c.Close())
	}
	if err := real.RabbitMQ.Restart(ctx); err != nil || real.RabbitMQ.Address() != address {
		t.Fatalf("restart at %s, want %s: %v", real.RabbitMQ.Address(), address, err)
	}
	ch = channel(t, real.Warehouse)
	for i := range 10 {
		if got, err := receive(ctx, ch, brokers.PickJobsQueue); err != nil || got != fmt.Sprint("job ", i) {
			t.Errorf("message %d: %q, %v", i, got, err)
		}
	}
}

func TestRabbitMQKnowsItsAccountsAndItsAuthority(t *testing.T) {
	dial := func(scheme string, a brokers.Account, trust *tls.Config) error {
		c, err := amqp.DialConfig(scheme+"://"+real.RabbitMQ.Address(), amqp.Config{
			Vhost: brokers.VirtualHost, TLSClientConfig: trust, Dial: amqp.DefaultDial(2 * time.Second),
			SASL: []amqp.Authentication{&amqp.PlainAuth{Username: a.Username, Password: a.Password}}})
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	wrong := real.Orderflow
	wrong.Password += "x"
	if err := dial("amqps", wrong, real.TLS()); !errors.Is(err, amqp.ErrCredentials) {
		t.Errorf("a wrong password: %v", err)
	}
	guest := brokers.Account{Username: "guest", Password: "guest"}
	if err := dial("amqps", guest, real.TLS()); !errors.Is(err, amqp.ErrCredentials) {
		t.Errorf("RabbitMQ's default account: %v", err)
	}
	if err := dial("amqps", real.Orderflow, foreign(t)); !isForeign(err) {
		t.Errorf("a client that trusts another authority: %v", err)
	}
	if err := dial("amqp", real.Orderflow, nil); err == nil {
		t.Error("the broker answered in clear text")
	}
	if err := dial("amqps", real.Orderflow, real.TLS()); err != nil {
		t.Errorf("the right account: %v", err)
	}
}

func TestRabbitMQAccountsMayDoNoMoreThanTheyNeed(t *testing.T) {
	ctx := within(t, 20*time.Second)
	read := func(queue string) func(*amqp.Channel) error {
		return func(ch *amqp.Channel) error { _, _, err := ch.Get(queue, true); return err }
	}
	write := func(exchange string) func(*amqp.Channel) error {
		return func(ch *amqp.Channel) error {
			closed := ch.NotifyClose(make(chan *amqp.Error, 1))
			err := publish(ctx, ch, exchange, "goods.received", "x")
			if err == nil {
				return nil
			}
			select { // the reason comes with the closing of the channel
			case reason := <-closed:
				return reason
			case <-ctx.Done():
				return err
			}
		}
	}
	declare := func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare("orderflow.new", true, false, false, false, nil)
		return err
	}
	for name, c := range map[string]struct {
		by      brokers.Account
		do      func(*amqp.Channel) error
		refused bool
	}{
		"orderflow publishes as the warehouse": {real.Orderflow, write(brokers.Messages), true},
		"orderflow reads pick jobs":            {real.Orderflow, read(brokers.PickJobsQueue), true},
		"orderflow declares a queue":           {real.Orderflow, declare, true},
		"orderflow publishes to the default":   {real.Orderflow, write(""), true},
		"orderflow reads the warehouse's":      {real.Orderflow, read(brokers.MessagesQueue), false},
		"the warehouse publishes pick jobs":    {real.Warehouse, write(brokers.PickJobs), true},
		"the warehouse reads its own messages": {real.Warehouse, read(brokers.MessagesQueue), true},
		"the warehouse declares a queue":       {real.Warehouse, declare, true},
		"the warehouse publishes":              {real.Warehouse, write(brokers.Messages), false},
		"the warehouse reads pick jobs":        {real.Warehouse, read(brokers.PickJobsQueue), false},
	} {
		err := c.do(channel(t, c.by))
		var failed *amqp.Error
		if refused := errors.As(err, &failed) && failed.Code == amqp.AccessRefused; refused != c.refused {
			t.Errorf("%s: %v, want it refused: %t", name, err, c.refused)
		}
	}
	if _, err := channel(t, real.Admin).QueuePurge(brokers.MessagesQueue, false); err != nil {
		t.Error(err)
	}
}

func TestRabbitMQDeliversLateMessagesLate(t *testing.T) {
	ctx, began := within(t, 20*time.Second), time.Now()
	if err := publish(ctx, channel(t, real.Warehouse), brokers.Late, "order.picked", "late"); err != nil {
		t.Fatal(err)
	}
	got, err := receive(ctx, channel(t, real.Orderflow), brokers.MessagesQueue)
	if took := time.Since(began); err != nil || got != "late" || took < 4*time.Second {
		t.Errorf("%q after %s, %v", got, took, err)
	}
}

func TestBrokersAreNotReachableFromOtherMachines(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, address := range addresses {
		ip, ok := address.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.IsLinkLocalUnicast() {
			continue
		}
		for _, broker := range []*brokers.Broker{real.Kafka, real.RabbitMQ} {
			_, port, _ := net.SplitHostPort(broker.Address())
			target := net.JoinHostPort(ip.IP.String(), port)
			if c, err := net.DialTimeout("tcp", target, time.Second); err == nil {
				t.Errorf("%s answers", target)
				_ = c.Close()
			}
			tried++
		}
	}
	if tried == 0 {
		t.Skip("this machine has no other address than 127.0.0.1")
	}
}

func TestStartFindsRunningBrokers(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	again, err := brokers.Start(within(t, time.Minute), repo, nil, real.Dir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	for i, pair := range [][2]*brokers.Broker{{real.Kafka, again.Kafka}, {real.RabbitMQ, again.RabbitMQ}} {
		if pair[0].Process != pair[1].Process {
			t.Errorf("broker %s was started again: process %v, before %v", strconv.Itoa(i), pair[1].Process,
				pair[0].Process)
		}
	}
}
