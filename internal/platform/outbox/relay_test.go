package outbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// store records the subjects of deleted items and of events that were put aside.
type store struct {
	deleted, aside []string
	beats          []string
	last           string // heartbeat
	err            error
}

func (s *store) PutAside(_ context.Context, items []outbox.Item) error {
	for _, i := range items {
		s.aside = append(s.aside, i.Event.Subject+i.Malformed)
	}
	return s.err
}

func (s *store) Heard(_ context.Context, at string) (bool, error) {
	s.beats = append(s.beats, at)
	return at == s.last, s.err
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
	return item("outbox#1", "sk-"+subject, attribute(brewed(t, clock.System{}, subject)))
}

// brewed returns the event of a pot.
func brewed(t *testing.T, c clock.Clock, subject string) string {
	t.Helper()
	p := envelope.Publisher{Service: "tea", Clock: c, IDs: ids.Random(c)}
	b, err := json.Marshal(p.New(t.Context(), "orderflow.tea.pot.brewed.v1", subject, 1, struct{}{}))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// changed returns the stream record of a change with events.
func changed(events ...string) string {
	all := attribute("[" + strings.Join(events, ",") + "]")
	return image(map[string]any{"pk": attribute("pot#1"), "sk": attribute("pot"), outbox.Attribute: all})
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
	_, err = outbox.Relay(p, s, clock.System{}).Invoke(t.Context(), payload)
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

func TestMalformedRecordIsPutAsideAndTheStreamGoesOn(t *testing.T) {
	good := brewed(t, clock.System{}, "c")
	for name, c := range map[string]struct {
		record string
		aside  []string
	}{
		"no image":          {`{"eventName":"INSERT","dynamodb":{}}`, []string{`{"eventName":"INSERT","dynamodb":{}}`}},
		"no object":         {`5`, []string{`5`}},
		"no list":           {image(map[string]any{outbox.Attribute: attribute("{}")}), []string{"{}"}},
		"empty list":        {image(map[string]any{outbox.Attribute: attribute("")}), []string{"nothing"}},
		"event in list":     {changed("{}", `"x"`), []string{"{}", `"x"`}},
		"one of two":        {changed(good, "{}"), []string{"{}"}},
		"item with number":  {item("outbox#1", "b", map[string]string{"N": "1"}), nil}, // the sweep finds it there
		"item with nothing": {item("outbox#1", "b", attribute("")), nil},
		"item with object":  {item("outbox#1", "b", attribute("{}")), nil},
	} {
		p, s := &topic{}, &store{}
		if err := relay(t, p, s, record(t, "a"), c.record, record(t, "b")); err != nil {
			t.Errorf("%s: it holds up the stream: %v", name, err)
		}
		if !slices.Equal(s.deleted, []string{"a", "b"}) || !slices.Equal(s.aside, c.aside) {
			t.Errorf("%s: deleted %v, put aside %q; want the others, %q", name, s.deleted, s.aside, c.aside)
		}
		s.err = errors.New("table is down")
		if err := relay(t, p, s, c.record); !errors.Is(err, s.err) && len(c.aside) > 0 {
			t.Errorf("%s: not put aside: %v, want the store's error", name, err)
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
	if _, err := outbox.Relay(&topic{}, &store{}, clock.System{}).Invoke(t.Context(), []byte("[]")); err == nil {
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
	if _, err := outbox.Relay(refusing, &store{}, c).Invoke(ctx, []byte(payload)); err == nil {
		t.Error("no error")
	}
	c.Advance(2 * time.Hour)
	if _, err := outbox.Relay(&topic{}, &store{}, c).Invoke(ctx, []byte(payload)); err != nil {
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

func TestEventsOfAChangeArePublishedAndNothingIsDeleted(t *testing.T) {
	p, s, c := &topic{}, &store{}, clock.System{}
	err := relay(t, p, s, changed(brewed(t, c, "a"), brewed(t, c, "b")), record(t, "c"), changed(brewed(t, c, "d")))
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"a", "b", "c", "d"}}; fmt.Sprint(p.calls) != fmt.Sprint(want) {
		t.Errorf("published %v, want %v", p.calls, want)
	}
	if !slices.Equal(s.deleted, []string{"c"}) || len(s.aside) > 0 {
		t.Errorf("deleted %v, put aside %v; want only c deleted", s.deleted, s.aside)
	}
}

func TestRefusedEventOfAChangeIsPutAside(t *testing.T) {
	p, s, c := &topic{refuse: map[string]bool{"b": true}}, &store{}, clock.System{}
	if err := relay(t, p, s, changed(brewed(t, c, "a"), brewed(t, c, "b"))); err != nil {
		t.Errorf("the refused event holds up the stream: %v", err)
	}
	if !slices.Equal(s.aside, []string{"b"}) {
		t.Errorf("put aside %v, want b", s.aside)
	}
	s.err = errors.New("table is down")
	if err := relay(t, p, s, changed(brewed(t, c, "b"))); !errors.Is(err, s.err) {
		t.Errorf("neither published nor put aside: %v, want the store's error", err)
	}
}

func TestOnlyOldEventsArePutAsideWhileTheTopicIsDown(t *testing.T) {
	p, s := &topic{down: "old"}, &store{}
	old := brewed(t, clock.At(time.Now().Add(-outbox.SweepAge-time.Minute)), "old")
	if err := relay(t, p, s, changed(brewed(t, clock.System{}, "new"), old)); !errors.Is(err, errDown) {
		t.Errorf("error = %v, want the topic's", err)
	}
	if err := relay(t, p, s, changed(old)); err != nil {
		t.Errorf("all are put aside: %v", err)
	}
	if !slices.Equal(s.aside, []string{"old", "old"}) || len(s.deleted) > 0 {
		t.Errorf("put aside %v, deleted %v; want old only", s.aside, s.deleted)
	}
}

func TestHeartbeatIsDeletedAndNothingIsPublished(t *testing.T) {
	p, s := &topic{}, &store{}
	beat := image(map[string]any{
		"pk": attribute("relay"), "sk": attribute("heartbeat"), outbox.Attribute: attribute("[]"),
		"at": attribute("8:15"),
	})
	if err := relay(t, p, s, beat); err != nil || !slices.Equal(s.beats, []string{"8:15"}) || len(p.calls) > 0 {
		t.Errorf("%v, heard %v, published %v", err, s.beats, p.calls)
	}
	s.err = errors.New("table is down")
	if err := relay(t, p, s, beat); !errors.Is(err, s.err) {
		t.Errorf("the heartbeat is not deleted: %v, want the store's error", err)
	}
}

func TestRelayThatRunsAgainSaysSinceWhenItDidNot(t *testing.T) {
	beat := func(since, at string) string {
		return image(map[string]any{
			"pk": attribute("relay"), "sk": attribute("heartbeat"), outbox.Attribute: attribute("[]"),
			"since": attribute(since), "at": attribute(at),
		})
	}
	for name, c := range map[string]struct {
		since string
		want  int
	}{"on time": {"8:15", 0}, "late": {"8:05", 1}} {
		lines := logged(t)
		s := &store{last: "8:15"}
		err := relay(t, &topic{}, s, beat("8:05", "8:05"), beat("8:05", "8:10"), beat(c.since, "8:15"))
		got := strings.Count(lines.String(), "since="+c.since)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, logged %d times, want %d: %s", name, err, got, c.want, lines)
		}
	}
}

// logged collects what is logged until the end of the test.
func logged(t *testing.T) *bytes.Buffer {
	t.Helper()
	var lines bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&lines, nil)))
	return &lines
}
