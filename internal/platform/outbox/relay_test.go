package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/outbox"
)

// topic records the subjects it published. It refuses the subjects in refuse, and every call that
// contains the subject down.
type topic struct {
	calls  [][]string
	refuse map[string]bool
	down   string
}

var errDown = errors.New("topic is down")

func (p *topic) Publish(_ context.Context, batch []envelope.Event) (map[string]error, error) {
	var subjects []string
	failed := map[string]error{}
	for _, e := range batch {
		if subjects = append(subjects, e.Subject); p.refuse[e.Subject] {
			failed[e.ID] = errors.New("refused " + e.Subject)
		}
	}
	if slices.Contains(subjects, p.down) {
		return nil, errDown
	}
	p.calls = append(p.calls, subjects)
	return failed, nil
}

// store records the subjects of deleted items.
type store struct {
	deleted []string
	err     error
}

func (s *store) DeletePublished(_ context.Context, items []outbox.Item) error {
	for _, item := range items {
		if item.PK != "outbox#1" || item.SK != "sk-"+item.Event.Subject {
			return fmt.Errorf("deleted %s, %s for %s", item.PK, item.SK, item.Event.Subject)
		}
		s.deleted = append(s.deleted, item.Event.Subject)
	}
	return s.err
}

// record returns the stream record of an outbox item about subject.
func record(t *testing.T, subject string) string {
	t.Helper()
	p := envelope.Publisher{Service: "tea", Clock: clock.System{}, IDs: ids.Random(clock.System{})}
	e := p.New(t.Context(), "orderflow.tea.pot.brewed.v1", subject, 1, struct{}{})
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return item("outbox#1", "sk-"+subject, attribute(string(b)))
}

func attribute(s string) any { return map[string]string{"S": s} }

func item(pk, sk string, event any) string {
	return image(map[string]any{"pk": attribute(pk), "sk": attribute(sk), "event": event})
}

func image(attributes map[string]any) string {
	b, _ := json.Marshal(map[string]any{"eventName": "INSERT", "dynamodb": map[string]any{"NewImage": attributes}})
	return string(b)
}

func relay(t *testing.T, p *topic, s *store, records ...string) error {
	t.Helper()
	raw := []json.RawMessage{}
	for _, r := range records {
		raw = append(raw, json.RawMessage(r))
	}
	payload, err := json.Marshal(map[string]any{"Records": raw})
	if err != nil {
		t.Fatal(err)
	}
	_, err = outbox.Relay(p, s).Invoke(t.Context(), payload)
	return err
}

func subjects(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("pot-%02d", i))
	}
	return all
}

func records(t *testing.T, subjects []string) (all []string) {
	for _, s := range subjects {
		all = append(all, record(t, s))
	}
	return all
}

func TestEventsArePublishedInOrderByTensAndDeleted(t *testing.T) {
	p, s, all := &topic{}, &store{}, subjects(23)
	if err := relay(t, p, s, records(t, all)...); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint([][]string{all[:10], all[10:20], all[20:]}); fmt.Sprint(p.calls) != want {
		t.Errorf("published %v, want %v", p.calls, want)
	}
	if !slices.Equal(s.deleted, all) {
		t.Errorf("deleted %v, want all", s.deleted)
	}
}

func TestRefusedEventIsNotDeletedAndFails(t *testing.T) {
	p, s := &topic{refuse: map[string]bool{"pot-01": true}}, &store{}
	err := relay(t, p, s, records(t, subjects(3))...)
	if err == nil || err.Error() != "refused pot-01" {
		t.Errorf("error = %v, want the refusal of pot-01", err)
	}
	if !slices.Equal(s.deleted, []string{"pot-00", "pot-02"}) {
		t.Errorf("deleted %v, want all but pot-01", s.deleted)
	}
}

func TestFailedCallDoesNotStopTheNext(t *testing.T) {
	p, s, all := &topic{down: "pot-04"}, &store{}, subjects(13)
	if err := relay(t, p, s, records(t, all)...); !errors.Is(err, errDown) {
		t.Errorf("error = %v, want the topic's", err)
	}
	if !slices.Equal(s.deleted, all[10:]) {
		t.Errorf("deleted %v, want %v", s.deleted, all[10:])
	}
}

func TestMalformedItemDoesNotStopTheOthers(t *testing.T) {
	for name, bad := range map[string]string{
		"no image":          `{"eventName":"INSERT","dynamodb":{}}`,
		"no key":            image(map[string]any{"event": attribute("{}")}),
		"event is a number": item("a", "b", map[string]string{"N": "1"}),
		"event is empty":    item("a", "b", attribute("{}")),
	} {
		p, s := &topic{}, &store{}
		err := relay(t, p, s, record(t, "a"), bad, record(t, "b"))
		if !errors.Is(err, envelope.ErrMalformed) || !slices.Equal(s.deleted, []string{"a", "b"}) {
			t.Errorf("%s: %v, deleted %v; want ErrMalformed and the others deleted", name, err, s.deleted)
		}
		if err := relay(t, &topic{down: "x"}, s, bad); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s alone: %v, want ErrMalformed", name, err)
		}
	}
}

func TestFailedDeletionFailsTheBatch(t *testing.T) {
	broken := errors.New("table is down")
	p, s := &topic{}, &store{err: broken}
	if err := relay(t, p, s, record(t, "a")); !errors.Is(err, broken) {
		t.Errorf("error = %v, want the store's", err)
	}
}

func TestMalformedPayloadFails(t *testing.T) {
	if _, err := outbox.Relay(&topic{}, &store{}).Invoke(t.Context(), []byte("[]")); err == nil {
		t.Error("no error")
	}
	if err := relay(t, &topic{}, &store{}); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
}

func TestLagIsRecordedForPublishedEventsOnly(t *testing.T) {
	c := clock.At(time.Now().Add(-time.Hour)) // behind the events' clock: the lag is 0, not negative
	ctx, recording := metricstest.On(t, c)
	payload := `{"Records":[` + strings.Join(records(t, subjects(3)), ",") + `]}`
	refusing := &topic{refuse: map[string]bool{"pot-01": true}}
	if _, err := outbox.Relay(refusing, &store{}).Invoke(ctx, []byte(payload)); err == nil {
		t.Error("no error")
	}
	c.Advance(2 * time.Hour)
	if _, err := outbox.Relay(&topic{}, &store{}).Invoke(ctx, []byte(payload)); err != nil {
		t.Error(err)
	}
	var lags []int
	for _, m := range recording.Take() {
		var ms float64
		if _, err := fmt.Sscanf(m, "OutboxLag %g tea brew-tea", &ms); err != nil {
			t.Errorf("recorded %q: %v", m, err)
		}
		lags = append(lags, int(math.Round(ms/float64(time.Hour.Milliseconds()))))
	}
	if !slices.Equal(lags, []int{0, 0, 1, 1, 1}) {
		t.Errorf("lags of %v hours, want 2 of 0, then 3 of 1", lags)
	}
}
