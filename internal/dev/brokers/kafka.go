package brokers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
)

// Topics are the topics of Kafka: one for each service of the core that publishes events about
// orders or products.
var Topics = []string{"orderflow.orders.events", "orderflow.inventory.events", "orderflow.payments.events",
	"orderflow.shipping.events", "orderflow.catalog.events"}

const (
	partitions = 3
	retention  = "2592000000" // 30 days in ms
)

// settings are the broker's settings that are the same at every start. It is its own controller,
// which only its own certificate can access.
const settings = `process.roles=broker,controller
node.id=1
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
  username="{admin}" password="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={dir}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={dir}/ca.pem
listener.name.controller.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:CN=` + commonName + `
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
# What was acknowledged survives a killed process, not a machine that loses power.
log.flush.interval.messages=9223372036854775807
`

// java returns the command line of a program of Kafka.
func java(libraries, class string, args ...string) []string {
	return append([]string{"java", "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-cp", filepath.Join(libraries, "*"), class}, args...)
}

func startKafka(ctx context.Context, libraries, dir string, id identity) (*devstack.Server, error) {
	file := id.file("kafka.properties")
	addresses := func(port, controller int) map[string]string {
		client, own := fmt.Sprintf("CLIENT://127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", controller)
		return map[string]string{"listeners": client + ",CONTROLLER://" + own, "advertised.listeners": client,
			"controller.quorum.voters": "1@" + own}
	}
	text := strings.NewReplacer("{dir}", id.dir, "{data}", id.data("kafka"), "{admin}", id.Admin.Username,
		"{password}", id.Admin.Password).
		Replace(settings)
	if _, err := os.Stat(id.data("kafka")); errors.Is(err, os.ErrNotExist) {
		var any strings.Builder // the command below requires addresses, and does not store them
		for name, value := range addresses(1, 2) {
			any.WriteString(name + "=" + value + "\n")
		}
		if err := id.write("kafka.properties", text+any.String()); err != nil {
			return nil, err
		}
		if err := format(ctx, libraries, file, id); err != nil {
			return nil, errors.Join(err, os.RemoveAll(id.data("kafka")))
		}
	}
	if err := id.write("kafka.properties", text); err != nil {
		return nil, err
	}
	controller, err := devstack.FreePort()
	if err != nil {
		return nil, err
	}
	server, _, err := devstack.Serve(ctx, dir, devstack.Program{
		Name: "kafka", Key: id.owner,
		Argv: func(port int) []string {
			args := []string{file}
			for name, value := range addresses(port, controller) {
				args = append(args, "--override", name+"="+value)
			}
			return java(libraries, "kafka.Kafka", args...)
		},
		Ready: func(ctx context.Context, url string) bool {
			return id.kafkaAnswers(ctx, strings.TrimPrefix(url, "http://"))
		},
		Limit: 2 * time.Minute,
	})
	return server, err
}

// format prepares the broker's directory, with its accounts.
func format(ctx context.Context, libraries, settings string, id identity) error {
	args := []string{"format", "--cluster-id", id.ClusterID, "--config", settings}
	for _, a := range []Account{id.Admin, id.Reporting} {
		args = append(args, "--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", a.Username, a.Password))
	}
	argv := java(libraries, "kafka.tools.StorageTool", args...)
	if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("prepare Kafka's directory: %w\n%s", err, out)
	}
	return nil
}

// KafkaClient are the options of a client that signs in with an account.
func (b *Brokers) KafkaClient(a Account) []kgo.Opt { return b.client(b.Kafka.Address(), a) }

func (i identity) client(address string, a Account) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(address), kgo.DialTLSConfig(i.TLS()),
		kgo.SASL(scram.Auth{User: a.Username, Pass: a.Password}.AsSha512Mechanism())}
}

// kafkaAnswers reports whether the broker lets an account in.
func (i identity) kafkaAnswers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	c, err := kgo.NewClient(append(i.client(address, i.Admin), kgo.RequestRetries(0))...)
	if err != nil {
		return false
	}
	defer c.Close()
	return c.Ping(ctx) == nil
}

// createTopics creates missing topics and grants reporting its rights: read and write orderflow's
// topics, and read as any consumer group.
func (b *Brokers) createTopics(ctx context.Context) error {
	c, err := kgo.NewClient(b.KafkaClient(b.Admin)...)
	if err != nil {
		return err
	}
	admin := kadm.NewClient(c)
	defer admin.Close()
	keep := retention
	made, err := admin.CreateTopics(ctx, partitions, 1, map[string]*string{"retention.ms": &keep}, Topics...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, topic := range made.Sorted() {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", topic.Topic, topic.Err)
		}
	}
	granted, err := admin.CreateACLs(ctx, kadm.NewACLs().Allow("User:"+b.Reporting.Username).AllowHosts("*").
		ResourcePatternType(kadm.ACLPatternPrefixed).Topics("orderflow.").Groups("orderflow").
		Operations(kadm.OpRead, kadm.OpWrite, kadm.OpDescribe))
	if err != nil {
		return fmt.Errorf("grant the topics: %w", err)
	}
	for _, acl := range granted {
		if acl.Err != nil {
			return fmt.Errorf("grant the topics: %w", acl.Err)
		}
	}
	return b.awaitGrants(ctx)
}

// awaitGrants returns once reporting may use its topics: the broker applies grants a moment after
// it has accepted them.
func (b *Brokers) awaitGrants(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := kgo.NewClient(append(b.KafkaClient(b.Reporting), kgo.MetadataMinAge(10*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		seen, err := kadm.NewClient(c).ListTopics(ctx, Topics...)
		if err == nil {
			err = seen.Error()
		}
		if err == nil {
			return nil
		}
		if slept := clock.Sleep(ctx, 50*time.Millisecond); slept != nil {
			return fmt.Errorf("reporting may not use its topics: %w", err)
		}
	}
}
