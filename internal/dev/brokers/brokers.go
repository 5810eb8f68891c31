// Package brokers runs the brokers that the optional services need on one machine: a Kafka broker
// for reporting, and RabbitMQ for the warehouse.
//
// Both listen on 127.0.0.1 only, speak TLS with a certificate of an authority of their own, and
// have a few accounts with only the rights they need. Data survives a restart, even after a kill.
package brokers

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/concurrent"
)

// Wanted is the environment variable without which the tests in test/brokers do not run.
const Wanted = "ORDERFLOW_BROKERS"

// Brokers are two running brokers.
type Brokers struct {
	Kafka    *Broker
	RabbitMQ *Broker
	identity
}

// A Broker is a process with a TLS listener.
type Broker struct {
	*devstack.Server
	start func(ctx context.Context) (*devstack.Server, error)
}

// Restart starts the broker again after Kill, on its port and with its data.
func (b *Broker) Restart(ctx context.Context) (err error) {
	b.Server, err = b.start(ctx)
	return err
}

// An Account may use a broker. As JSON it is a secret that Lambda's event sources understand.
type Account struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Start returns the brokers of dir, and starts those that are not running. They are empty unless
// their data belongs to owner, the emulator whose events they keep. The error is a devstack.Lacking
// if this machine cannot run them.
func Start(ctx context.Context, repo devstack.Repo, rep *devstack.Reporter, dir, owner string) (*Brokers, error) {
	kafka, rabbitMQ, err := repo.SetupBrokers(ctx, rep)
	if err != nil {
		return nil, err
	}
	b := &Brokers{}
	if b.identity, err = loadIdentity(filepath.Join(dir, "brokers"), owner); err != nil {
		return nil, err
	}
	b.Kafka = &Broker{start: func(ctx context.Context) (*devstack.Server, error) {
		return startKafka(ctx, kafka, dir, b.identity)
	}}
	b.RabbitMQ = &Broker{start: func(ctx context.Context) (*devstack.Server, error) {
		return startRabbitMQ(ctx, rabbitMQ, dir, b.identity)
	}}
	err = concurrent.All(
		func() error { return rep.Do("start Kafka", func() error { return b.Kafka.Restart(ctx) }) },
		func() error { return rep.Do("start RabbitMQ", func() error { return b.RabbitMQ.Restart(ctx) }) })
	if err == nil {
		err = errors.Join(b.createTopics(ctx), b.removeOthers())
	}
	if err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	return b, nil
}

// Dir is the directory that Start got.
func (b *Brokers) Dir() string { return filepath.Dir(b.dir) }

// Exist reports whether a stack in dir has brokers, which may have ended.
func Exist(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "brokers", identityFile))
	return err == nil
}

// Stop ends both. Their data stays.
func (b *Brokers) Stop() (err error) {
	for _, broker := range []*Broker{b.Kafka, b.RabbitMQ} {
		if broker.Server != nil {
			err = errors.Join(err, broker.Stop())
		}
	}
	return err
}
