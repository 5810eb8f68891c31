package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"orderflow"
	catalogDynamo "orderflow/internal/catalog/dynamo"
	stranglerDynamo "orderflow/internal/gateway/strangler/dynamo"
	"orderflow/internal/host/delivery"
	"orderflow/internal/host/dynamo"
	"orderflow/internal/host/follow"
	"orderflow/internal/host/tables"
	inventoryDynamo "orderflow/internal/inventory/dynamo"
	notificationsDynamo "orderflow/internal/notifications/dynamo"
	ordersDynamo "orderflow/internal/orders/dynamo"
	paymentsDynamo "orderflow/internal/payments/dynamo"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/outbox/tail"
	workflowDynamo "orderflow/internal/platform/workflow/dynamo"
	shippingDynamo "orderflow/internal/shipping/dynamo"
	carrierDynamo "orderflow/sandbox/carrier/dynamo"
	carrierStream "orderflow/sandbox/carrier/stream"
	legacyDynamo "orderflow/sandbox/legacy/dynamo"
	providerDynamo "orderflow/sandbox/provider/dynamo"
)

// Tables say where a host keeps everything in DynamoDB.
type Tables struct {
	Config aws.Config
	// Prefix is that of the tables' names: the name of the stack whose tables they are.
	Prefix string
	// Create creates missing tables. On AWS that is only the process's own, since the others are
	// the stack's.
	Create bool
}

// owners are the services with a table, by its id in the template.
var owners = map[string]string{
	"CatalogTable": "catalog", "GatewayTable": "gateway", "InventoryTable": "inventory",
	"NotificationsTable": "notifications", "OrdersTable": "orders", "PaymentsTable": "payments",
	"ShippingTable": "shipping",
}

// callbacks is the key prefix of due callbacks in the carrier's stream; see sandbox/template.yaml.
const callbacks = "callback#"

// lasting keeps everything in tables.
type lasting struct {
	client  *dynamodb.Client
	streams map[string]string // ARNs by the table's id
	tables  map[string]*ddb.Table
}

// inTables keeps everything in the tables of template.yaml, in those of the sandbox and in one of
// the process's own.
func inTables(ctx context.Context, t Tables, c clock.Clock) (*kept, error) {
	l := &lasting{
		client: dynamodb.NewFromConfig(t.Config), streams: map[string]string{}, tables: map[string]*ddb.Table{},
	}
	all := []tables.Table{tables.Own(t.Prefix + "-serve")}
	for _, template := range [][]byte{orderflow.Template, orderflow.Sandbox} {
		parsed, err := cfn.Parse(template)
		if err != nil {
			return nil, err
		}
		stack, err := cfn.New(parsed, t.Prefix, nil)
		if err != nil {
			return nil, err
		}
		declared, err := tables.Declared(stack, t.Prefix)
		if err != nil {
			return nil, err
		}
		all = append(all, declared...)
	}
	for _, declared := range all {
		if err := l.open(ctx, t, declared, c); err != nil {
			return nil, err
		}
	}
	return l.kept(t.Config), nil
}

// open opens a table, and creates it if it may.
func (l *lasting) open(ctx context.Context, t Tables, declared tables.Table, c clock.Clock) error {
	name := aws.ToString(declared.Create.TableName)
	emulated := t.Config.BaseEndpoint != nil
	stream, err := tables.Open(ctx, l.client, name)
	if errors.Is(err, tables.ErrMissing) && t.Create && (emulated || declared.ID == tables.OwnID) {
		if err := tables.Create(ctx, l.client, declared); err != nil {
			return err
		}
		stream, err = tables.Open(ctx, l.client, name)
	}
	switch {
	case errors.Is(err, tables.ErrMissing) && emulated:
		return fmt.Errorf("%w: -create-tables creates the tables of template.yaml on an emulator", err)
	case errors.Is(err, tables.ErrMissing):
		return fmt.Errorf("%w: deploy template.yaml and sandbox/template.yaml; -create-tables creates %s-serve",
			err, t.Prefix)
	case err != nil:
		return err
	}
	l.streams[declared.ID], l.tables[declared.ID] = stream, ddb.Open(t.Config, name, c)
	return nil
}

func (l *lasting) kept(cfg aws.Config) *kept {
	own := dynamo.Table{Table: l.tables[tables.OwnID]}
	ledger := l.tables["LedgerTable"]
	s := Stores{
		Catalog:       catalogDynamo.Open(l.tables["CatalogTable"]),
		Inventory:     inventoryDynamo.Open(l.tables["InventoryTable"]),
		Notifications: notificationsDynamo.Store{Table: l.tables["NotificationsTable"]},
		Orders:        ordersDynamo.Open(l.tables["OrdersTable"]),
		Payments:      paymentsDynamo.Open(l.tables["PaymentsTable"]),
		Placements:    stranglerDynamo.Placements{Table: l.tables["GatewayTable"]},
		Shipping:      shippingDynamo.Open(l.tables["ShippingTable"]),
		Logs:          map[string]Log{},
	}
	for id, service := range owners {
		s.Logs[service] = l.tables[id]
	}
	return &kept{
		stores: s, journal: workflowDynamo.Journal{Table: own.Table}, messages: own, records: own, lasting: true,
		ledgers: ledgers{
			providerDynamo.Store{Table: ledger}, carrierDynamo.Store{Table: ledger},
			legacyDynamo.Store{Table: l.tables["LegacyTable"]},
		},
		topic: func(t delivery.Topic) Topic { return t },
		feeds: func(h *Host) []feed { return l.feeds(h, own, dynamodbstreams.NewFromConfig(cfg)) },
	}
}

// feeds follow the streams of all services that publish, and the carrier's.
func (l *lasting) feeds(h *Host, places follow.Places, client *dynamodbstreams.Client) (all []feed) {
	begun := func() int {
		n, _ := h.work.none()
		return n
	}
	follower := func(id, inserts string) *follow.Follower {
		s := tail.Stream{Client: client, ARN: l.streams[id], Inserts: inserts}
		return &follow.Follower{Stream: s.ARN, Source: source{s}, Places: places, Mark: begun}
	}
	for id, service := range owners {
		relay := "relay-" + service + "-events"
		if h.functions[relay] == nil {
			continue // it publishes nothing
		}
		f := follower(id, "")
		f.Hand = func(ctx context.Context, payload []byte) error {
			return handOver(ctx, relay, func() error {
				_, err := h.Invoke(ctx, relay, payload)
				return err
			})
		}
		all = append(all, tailed{f, l.tables[id]})
	}
	send := carrierStream.Handle(h.sandbox.sender.Send)
	f := follower("LedgerTable", callbacks)
	f.Hand = func(ctx context.Context, payload []byte) error {
		tries := 0
		return handOver(ctx, "carrier", func() error {
			_, err := send.Invoke(ctx, payload)
			if tries++; err != nil && tries == callBacks {
				slog.ErrorContext(ctx, "the carrier gave up on callbacks", "error", err.Error())
				return nil
			}
			return err
		})
	}
	return append(all, tailed{f, nil})
}

// handOver repeats until it succeeds, or until ctx ends. The stream keeps the records meanwhile.
func handOver(ctx context.Context, to string, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		slog.WarnContext(ctx, "events not relayed yet", "relay", to, "error", err.Error())
		if err := clock.Sleep(ctx, relayPause); err != nil {
			return err
		}
	}
}

// source is a table's stream; see follow.Source.
type source struct{ tail.Stream }

// Follow returns a reader of a shard.
func (s source) Follow(shard, after string) follow.Reader { return s.Stream.Follow(shard, after) }

// tailed is the feed of a table's stream.
type tailed struct {
	*follow.Follower
	table *ddb.Table // with events that were put aside; nil for none
}

func (t tailed) run(ctx context.Context) { t.Run(ctx) }

func (t tailed) left(context.Context) int {
	if t.Quiet() {
		return 0
	}
	return 1
}

func (t tailed) aside(ctx context.Context) int {
	if t.table == nil {
		return 0
	}
	return waiting(ctx, t.Stream, t.table)
}
