package handler

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	catalog "orderflow/internal/catalog/contract"
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/consumer/consumertest"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/redact"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
	shipping "orderflow/internal/shipping/contract"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// inLog returns all records of the log.
func inLog(t *testing.T, log *memory.Log) (all []reporting.Record) {
	t.Helper()
	partitions, err := log.Partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		records, err := log.Read(t.Context(), p.Topic, p.Partition, p.First, 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	return all
}

func newLog() *memory.Log {
	return memory.NewLog(clock.System{}, "orderflow.orders.events", "orderflow.payments.events")
}

func authorized(id, currency string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"orderflow/payments",` +
		`"type":"orderflow.payments.payment.authorized.v1","subject":"` + order + `","time":"2026-11-23T09:00:02Z",` +
		`"datacontenttype":"application/json","aggregateversion":1,` +
		`"data":{"orderId":"` + order + `","amount":{"currency":"` + currency + `","amount":4797}}}`
}

func TestSampleEventGoesIntoTheLogWithoutTheAddress(t *testing.T) {
	log := newLog()
	payload, err := os.ReadFile("../../../events/reporting/forward-events.json")
	if err != nil {
		t.Fatal(err)
	}
	if failed := consumertest.Failures(t, Handlers(nil, log)["forward-events"], payload); len(failed) != 0 {
		t.Fatalf("failed: %q", failed)
	}
	records := inLog(t, log)
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	r := records[0]
	if r.Topic != "orderflow.orders.events" || string(r.Key) != order || strings.Contains(string(r.Value), "ada") {
		t.Errorf("in %s, key %s: %s", r.Topic, r.Key, r.Value)
	}
	want := map[string]string{
		"content-type": "application/json", "ce_specversion": "1.0", "ce_id": "01KAQ5M4QY3S0T8K9W1ZJ6E2HX",
		"ce_source": "orderflow/orders", "ce_type": "orderflow.orders.order.confirmed.v1", "ce_subject": order,
		"ce_time": "2026-11-23T09:00:04Z", "ce_aggregateversion": "2",
		"ce_traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	traceparent := r.Headers["traceparent"]
	delete(r.Headers, "traceparent")
	if !maps.Equal(r.Headers, want) || !strings.HasPrefix(traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
		t.Errorf("headers %v, traceparent %s", r.Headers, traceparent)
	}
	e, err := reporting.EventOf(r)
	if err != nil || e.Type != orders.OrderConfirmed || e.AggregateVersion != 2 {
		t.Errorf("read back %+v, %v", e, err)
	}
}

func TestMessagesOutsideTheLogFailAlone(t *testing.T) {
	log := newLog()
	h := forwardEvents(lossy{log, "e-3"})
	failed := consumertest.Failures(t, h, consumertest.Batch(t, authorized("e-1", "EUR"), `not an event`, authorized("e-2", "euro"),
		authorized("e-3", "EUR"), strings.Replace(authorized("e-4", "EUR"), "payment.authorized", "circuit.changed", 1),
		authorized("e-5", "EUR")))
	if strings.Join(failed, "") != "1234" && strings.Join(failed, "") != "1243" {
		t.Errorf("failed: %q, want 1 to 4", failed)
	}
	var stored []string
	for _, r := range inLog(t, log) {
		stored = append(stored, r.Headers["ce_id"])
	}
	if !slices.Equal(stored, []string{"e-1", "e-5"}) {
		t.Errorf("the log has %q", stored)
	}
}

func TestLogThatIsDownFailsTheWholeBatch(t *testing.T) {
	h := forwardEvents(lossy{newLog(), ""})
	both := consumertest.Batch(t, authorized("e-1", "EUR"), authorized("e-2", "EUR"))
	if failed := consumertest.Failures(t, h, both); len(failed) != 2 {
		t.Errorf("failed: %q, want both", failed)
	}
}

// lossy loses the event with an id, or all events.
type lossy struct {
	reporting.Producer
	id string
}

func (l lossy) Append(ctx context.Context, messages []reporting.Message) []error {
	errs := make([]error, len(messages))
	for i, m := range messages {
		if l.id == "" || m.Headers["ce_id"] == l.id {
			errs[i] = errors.New("lost")
			continue
		}
		errs[i] = l.Producer.Append(ctx, []reporting.Message{m})[0]
	}
	return errs
}

// withheld are the members that do not go into the log.
var withheld = []string{
	"customerId", "customerEmail", "paymentMethod", "by", "resumeToken", "trackingNumber", "url",
	"shippingAddress/name", "shippingAddress/line1", "shippingAddress/line2", "shippingAddress/city",
	"shippingAddress/region", "shippingAddress/postalCode", "shippingAddress/country",
}

// texts are members whose reason somebody wrote: an operator, a carrier or a payment provider.
var texts = []string{"orderflow.inventory.", "orderflow.shipping.", "orderflow.payments."}

// harmless reports whether a member has only the name or the form of personal data.
func harmless(eventType, member string) bool {
	return path.Base(member) == "sku" || eventType == catalog.ProductPriceChanged && member == "name"
}

func mustWithhold(eventType, member string) bool {
	return slices.Contains(withheld, member) ||
		member == "reason" && slices.ContainsFunc(texts, func(p string) bool { return strings.HasPrefix(eventType, p) })
}

// Every event type, with all members that its schema has: whoever adds one decides here whether it
// goes into the log.
func TestOnlyWhatIsDecidedGoesIntoTheLog(t *testing.T) {
	types := 0
	for eventType, of := range allSchemas(t) {
		if strings.Contains(eventType, ".circuit.changed.") {
			continue
		}
		types++
		members := leaves(of)
		inLog := leavesIn(t, eventType, example(of))
		for member, of := range members {
			if withhold := mustWithhold(eventType, member); withhold == slices.Contains(inLog, member) {
				t.Errorf("%s: %s, want withheld: %t", eventType, member, withhold)
			}
			_, isCode := of["pattern"]
			free := of["type"] == "string" && !isCode
			if free && slices.Contains(inLog, member) && !harmless(eventType, member) {
				t.Errorf("%s: %s is free text", eventType, member)
			}
		}
		for _, member := range inLog {
			if redact.Key(path.Base(member)) && !harmless(eventType, member) {
				t.Errorf("%s has %s: withhold it, or say here why it is harmless", eventType, member)
			}
		}
		if !slices.Contains(inLog, "orderId") && !slices.Contains(inLog, "sku") {
			t.Errorf("%s lost what it is about: %q", eventType, inLog)
		}
	}
	if types < 24 {
		t.Errorf("only %d event types", types)
	}
}

func TestUnknownMembersAndTypesStayOutOfTheLog(t *testing.T) {
	for _, data := range []string{
		`{"orderId":"A","CustomerEmail":"x@y.z"}`, `{"orderId":"A","total":{"currency":"EUR","amount":1,"by":"x@y.z"}}`,
		`{"orderId":{"email":"x@y.z"}}`, `{"orderId":[{"email":"x@y.z"}]}`,
		`{"orderId":"A","items":[{"sku":"A","giftMessage":"x@y.z"}]}`, `{"orderId":"A","items":["x@y.z"]}`,
		`{"orderId":"A","items":"x@y.z"}`,
	} {
		m, err := reporting.MessageOf(t.Context(), about(orders.OrderCreated, []byte(data)))
		if err != nil || strings.Contains(string(m.Value), "x@y.z") {
			t.Errorf("%s: %s, %v", data, m.Value, err)
		}
	}
	for _, eventType := range []string{"orderflow.orders.order.gifted.v1", payments.CircuitChanged} {
		if _, err := reporting.MessageOf(t.Context(), about(eventType, []byte(`{}`))); err == nil {
			t.Errorf("%s goes into the log", eventType)
		}
	}
	if _, err := reporting.MessageOf(t.Context(), about(orders.OrderCreated, []byte(`"x@y.z"`))); err == nil {
		t.Error("text goes into the log")
	}
}

func TestNumbersGoIntoTheLogAsTheyAre(t *testing.T) {
	const data = `{"orderId":"A","total":{"amount":9007199254740993,"currency":"EUR"}}`
	m, err := reporting.MessageOf(t.Context(), about(orders.OrderConfirmed, []byte(data)))
	if err != nil || string(m.Value) != data {
		t.Errorf("%s, %v; want %s", m.Value, err, data)
	}
}

func about(eventType string, data []byte) envelope.Event {
	return envelope.Event{
		SpecVersion: "1.0", ID: "e-1", Source: "orderflow/test", Type: eventType, Subject: order,
		Time: time.Unix(0, 0), DataContentType: "application/json", Data: data,
	}
}

// allSchemas returns the schemas of all event types.
func allSchemas(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, files := range []fs.FS{
		orders.Schemas, payments.Schemas, inventory.Schemas, shipping.Schemas, catalog.Schemas,
	} {
		names, err := fs.Glob(files, "*.schema.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			var schema map[string]any
			if err := json.Unmarshal(text, &schema); err != nil {
				t.Fatal(err)
			}
			all[strings.TrimSuffix(name, ".schema.json")] = schema
		}
	}
	return all
}

// leavesIn returns the members that go into the log of an event with this data.
func leavesIn(t *testing.T, eventType string, data any) []string {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := reporting.MessageOf(tracing.Begin(t.Context()), about(eventType, b))
	if err != nil {
		t.Fatalf("%s: %v", eventType, err)
	}
	var logged any
	if err := json.Unmarshal(m.Value, &logged); err != nil {
		t.Fatal(err)
	}
	return fields(logged)
}

// leaves returns the members of a schema that are neither objects nor lists, such as items/sku.
func leaves(schema map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	for name, of := range properties {
		of := of.(map[string]any)
		if items, isList := of["items"].(map[string]any); isList {
			of = items
		}
		within := leaves(of)
		if len(within) == 0 {
			all[name] = of
		}
		for leaf, of := range within {
			all[name+"/"+leaf] = of
		}
	}
	return all
}

// example returns a value with all members of a schema.
func example(schema map[string]any) any {
	properties, _ := schema["properties"].(map[string]any)
	items, isList := schema["items"].(map[string]any)
	switch {
	case properties != nil:
		all := map[string]any{}
		for name, of := range properties {
			all[name] = example(of.(map[string]any))
		}
		return all
	case isList:
		return []any{example(items)}
	default:
		return "x"
	}
}

// fields returns the names of all fields of a value that are neither objects nor lists.
func fields(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, of := range v {
			for _, field := range fields(of) {
				all = append(all, path.Join(name, field))
			}
		}
	case []any:
		for _, of := range v {
			all = append(all, fields(of)...)
		}
	default:
		all = []string{""}
	}
	return all
}
