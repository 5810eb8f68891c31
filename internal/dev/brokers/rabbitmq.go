package brokers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"orderflow/internal/dev/devstack"
)

// The names that both ends of RabbitMQ agree on.
const (
	VirtualHost = "orderflow"
	// PickJobs is the exchange for jobs of the warehouse, and PickJobsQueue the warehouse's queue.
	PickJobs      = "orderflow.warehouse"
	PickJobsQueue = "warehouse.pick-jobs"
	// Messages is the exchange for messages from the warehouse, and MessagesQueue the queue of the
	// function receive-goods.
	Messages      = "warehouse.orderflow"
	MessagesQueue = "orderflow.warehouse-messages"
	// Late is an exchange whose messages reach Messages five seconds later.
	Late = "warehouse.late"
)

// object is JSON.
type object = map[string]any

// definitions are the accounts, exchanges and queues, which RabbitMQ reads at its start. Only
// Admin may declare anything.
func (i identity) definitions() ([]byte, error) {
	exchange := func(name string) object {
		return object{"name": name, "vhost": VirtualHost, "type": "topic", "durable": true, "auto_delete": false,
			"internal": false, "arguments": object{}}
	}
	queue := func(name string, arguments object) object {
		arguments["x-queue-type"] = "quorum"
		return object{"name": name, "vhost": VirtualHost, "durable": true, "auto_delete": false, "arguments": arguments}
	}
	bind := func(exchange, key, queue string) object {
		return object{"source": exchange, "vhost": VirtualHost, "destination": queue, "destination_type": "queue",
			"routing_key": key, "arguments": object{}}
	}
	user := func(a Account) object { return object{"name": a.Username, "password": a.Password, "tags": []string{}} }
	may := func(a Account, configure, write, read string) object {
		return object{"user": a.Username, "vhost": VirtualHost, "configure": configure, "write": write, "read": read}
	}
	return json.MarshalIndent(object{
		"vhosts": []object{{"name": VirtualHost}},
		"users":  []object{user(i.Admin), user(i.Orderflow), user(i.Warehouse)},
		"permissions": []object{
			may(i.Admin, ".*", ".*", ".*"),
			may(i.Orderflow, "^$", `^orderflow\.warehouse$`, `^orderflow\.warehouse-messages$`),
			may(i.Warehouse, "^$", `^warehouse\.(orderflow|late)$`, `^warehouse\.pick-jobs$`)},
		"exchanges": []object{exchange(PickJobs), exchange(Messages), exchange(Late)},
		"queues": []object{queue(PickJobsQueue, object{}), queue(MessagesQueue, object{}),
			queue(Late, object{"x-message-ttl": 5000, "x-dead-letter-exchange": Messages})},
		"bindings": []object{bind(PickJobs, "pick.*", PickJobsQueue), bind(Messages, "#", MessagesQueue),
			bind(Late, "#", Late)},
	}, "", "  ")
}

const rabbitMQSettings = `listeners.tcp = none
ssl_options.cacertfile = {dir}/ca.pem
ssl_options.certfile = {dir}/server.pem
ssl_options.keyfile = {dir}/server.key
ssl_options.verify = verify_none
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
load_definitions = {dir}/definitions.json
log.console = true
log.console.level = warning
`

func startRabbitMQ(ctx context.Context, root, dir string, id identity) (*devstack.Server, error) {
	definitions, err := id.definitions()
	if err != nil {
		return nil, err
	}
	err = id.write("definitions.json", string(definitions), "plugins", "[].",
		"rabbitmq.conf", strings.ReplaceAll(rabbitMQSettings, "{dir}", id.dir))
	if err != nil {
		return nil, err
	}
	epmd, err := devstack.FreePort()
	if err != nil {
		return nil, err
	}
	nodes, err := devstack.FreePort()
	if err != nil {
		return nil, err
	}
	var libraries []string
	for _, pattern := range []string{"lib/*-linux-gnu*", "usr/lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(filepath.Join(root, pattern)) // the patterns are correct
		libraries = append(libraries, found...)
	}
	erlang, home := filepath.Join(root, "usr", "lib", "erlang", "bin"), id.data("rabbitmq")
	server, _, err := devstack.Serve(ctx, dir, devstack.Program{
		Name: "rabbitmq", Key: id.owner,
		Argv: func(port int) []string {
			// epmd, Erlang's own port mapper, belongs to the process group, so it ends with it.
			return []string{"sh", "-c", `epmd & exec "$@"`, "rabbitmq",
				filepath.Join(root, "usr", "lib", "rabbitmq", "bin", "rabbitmq-server"),
				"-rabbit", "ssl_listeners", fmt.Sprintf(`[{"127.0.0.1",%d}]`, port)}
		},
		Env: []string{"PATH=" + erlang + ":" + os.Getenv("PATH"), "LD_LIBRARY_PATH=" + strings.Join(libraries, ":"),
			"LANG=C.UTF-8", "HOME=" + home,
			"ERL_EPMD_ADDRESS=127.0.0.1", fmt.Sprint("ERL_EPMD_PORT=", epmd), fmt.Sprint("RABBITMQ_DIST_PORT=", nodes),
			"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
			"RABBITMQ_NODENAME=orderflow@localhost", "RABBITMQ_CONFIG_FILE=" + id.file("rabbitmq.conf"),
			"RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_ENABLED_PLUGINS_FILE=" + id.file("plugins"),
			"RABBITMQ_MNESIA_BASE=" + home, "RABBITMQ_LOG_BASE=" + home, "RABBITMQ_LOGS=-",
		},
		Ready: func(_ context.Context, url string) bool {
			c, err := id.dial(strings.TrimPrefix(url, "http://"), id.Orderflow)
			return err == nil && c.Close() == nil
		},
		Limit: 2 * time.Minute,
	})
	return server, err
}

// RabbitMQURL is the address that the services get, without an account.
func (b *Brokers) RabbitMQURL() string { return "amqps://" + b.RabbitMQ.Address() + "/" + VirtualHost }

// DialRabbitMQ connects with an account.
func (b *Brokers) DialRabbitMQ(a Account) (*amqp.Connection, error) {
	return b.dial(b.RabbitMQ.Address(), a)
}

func (i identity) dial(address string, a Account) (*amqp.Connection, error) {
	return amqp.DialConfig("amqps://"+address, amqp.Config{Vhost: VirtualHost, TLSClientConfig: i.TLS(),
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: a.Username, Password: a.Password}},
		Dial: amqp.DefaultDial(2 * time.Second)})
}
