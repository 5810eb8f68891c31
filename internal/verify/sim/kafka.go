package sim

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/wiring"
	"orderflow/internal/reporting"
	"orderflow/internal/verify/sim/broker"
)

// logSource is Lambda's event source for one topic of Kafka: one batch per partition at a time, in
// order, until the function has handled it. A failed batch is halved and tried again.
type logSource struct {
	b *brokers
	wiring.Topic
	group   *broker.Group
	holders []*holder // the current one, by partition
}

// holder is a poller with a partition. After a rebalance it continues until it notices.
type holder struct {
	broker.Place
	epoch   int
	next    int64
	most    int
	failed  int // how often the record at next has failed alone
	busy    bool
	current bool
	until   time.Time // when it notices that it is no longer current
}

func (b *brokers) subscribe(settings wiring.Topic) *logSource {
	s := &logSource{b: b, Topic: settings, group: broker.NewGroup()}
	for p := range b.bounds(s.Topic.Topic) {
		s.holders = append(s.holders, nil)
		s.assign(int32(p)) //nolint:gosec // fits
	}
	b.logSources = append(b.logSources, s)
	return s
}

// assign gives a partition to another poller, which begins at the committed offset.
func (s *logSource) assign(partition int32) {
	w := s.b.w
	if old := s.holders[partition]; old != nil {
		old.current, old.until = false, w.now.Add(w.between(0, 20*time.Second))
		w.note("", "%s: partition %d of %s is assigned to another poller", s.Function, partition, s.Topic.Topic)
	}
	h := &holder{Place: broker.Place{Topic: s.Topic.Topic, Partition: partition}, most: s.Batch, current: true}
	h.epoch, h.next = s.group.Assign(h.Place)
	s.holders[partition] = h
	s.pollIn(w.between(10*time.Millisecond, time.Second), h)
}

func (s *logSource) pollIn(d time.Duration, h *holder) { s.b.w.after(d, func() { s.poll(h) }) }

// poll passes the next records of a partition to the function.
func (s *logSource) poll(h *holder) {
	w := s.b.w
	if h.busy || !h.current && w.now.After(h.until) {
		return
	}
	if s.b.logDown() {
		s.pollIn(s.b.logDownUntil.Sub(w.now)+time.Second, h)
		return
	}
	records := must(s.b.log.Read(context.Background(), h.Topic, h.Partition, h.next, 1+w.IntN(h.most)))
	if len(records) == 0 {
		return
	}
	if h.current && w.strikes(rebalanced) {
		w.after(w.between(0, 2*time.Second), func() {
			if h.current {
				s.assign(h.Partition)
			}
		})
	}
	if !h.current {
		w.reach("two pollers read one partition")
	}
	h.busy = true
	w.note("", "%s receives %d records of %s, partition %d, from offset %d", s.Function, len(records), h.Topic,
		h.Partition, records[0].Offset)
	w.invoke(s.Function, string(records[0].Key), batchOf(records), func(_ []byte, err error) {
		h.busy = false
		if err != nil && len(records) == 1 {
			h.failed++
		}
		given := h.failed > s.Retries || h.failed > 0 && w.strikes(recordParked)
		switch {
		case err == nil, given, w.mutant.ackRecordsFirst:
			if given {
				b := s.b
				b.discarded++
				w.reach("the log's source gave up on a record")
				w.note(string(records[0].Key), "%s gives up on offset %d of %s, partition %d", s.Function,
					records[0].Offset, h.Topic, h.Partition)
			}
			h.next, h.most, h.failed = records[len(records)-1].Offset+1, s.Batch, 0
			if w.strikes(offsetUnheard) {
				break // the next poller reads these records again
			}
			if s.group.Commit(h.Place, h.epoch, h.next) != nil {
				w.reach("a poller that had lost its partition handled a batch")
			}
		case len(records) > 1:
			w.reach("a batch of the log was halved")
			h.most = max(1, len(records)/2)
		default:
			w.reach("a record of the log was retried")
		}
		s.pollIn(w.between(50*time.Millisecond, time.Second), h)
	})
}

// bounds returns the partitions of a topic.
func (b *brokers) bounds(topic string) (all []reporting.Partition) {
	for _, p := range must(b.log.Partitions(context.Background())) {
		if p.Topic == topic {
			all = append(all, p)
		}
	}
	return all
}

// lag returns how many records the group has not committed.
func (s *logSource) lag() (n int64) {
	for i, p := range s.b.bounds(s.Topic.Topic) {
		n += p.End - s.group.Committed(s.holders[i].Place)
	}
	return n
}

// batchOf encodes records as Lambda does.
func batchOf(records []reporting.Record) []byte {
	in := events.KafkaEvent{EventSource: "SelfManagedKafka", Records: map[string][]events.KafkaRecord{}}
	for _, r := range records {
		out := events.KafkaRecord{
			Topic: r.Topic, Partition: int64(r.Partition), Offset: r.Offset,
			Timestamp: events.MilliSecondsEpochTime{Time: r.Time}, TimestampType: "CREATE_TIME",
			Key:   base64.StdEncoding.EncodeToString(r.Key),
			Value: base64.StdEncoding.EncodeToString(r.Value),
		}
		for _, name := range sortedKeys(r.Headers) {
			out.Headers = append(out.Headers, map[string]events.JSONNumberBytes{name: []byte(r.Headers[name])})
		}
		place := r.Topic + "-" + strconv.Itoa(int(r.Partition))
		in.Records[place] = append(in.Records[place], out)
	}
	return must(json.Marshal(in))
}

// kafka is the log as functions see it; see reporting.Producer and reporting.Log.
type kafka struct{ b *brokers }

var errKafka = errors.New("simulated: Kafka does not answer")

// Append appends messages. Each may be refused, or be appended without an answer.
func (k kafka) Append(_ context.Context, messages []reporting.Message) []error {
	w, errs := k.b.w, make([]error, len(messages))
	w.breathe()
	down := k.b.logDown()
	for i, m := range messages {
		if down || w.strikes(logRefused) {
			errs[i] = errKafka
			continue
		}
		//nolint:contextcheck // readers wake up long after this call
		if errs[i] = k.b.append(m); errs[i] == nil && w.strikes(logUnheard) {
			errs[i] = errKafka
		}
	}
	w.crash(crashAfter)
	if errors.Is(errKafka, w.mutant.unheeded) {
		return make([]error, len(messages))
	}
	return errs
}

// Partitions returns all partitions.
func (k kafka) Partitions(ctx context.Context) ([]reporting.Partition, error) {
	if err := k.reach(); err != nil {
		return nil, err
	}
	return k.b.log.Partitions(ctx)
}

// Read reads some of the records.
func (k kafka) Read(ctx context.Context, topic string, p int32, from int64, most int) ([]reporting.Record, error) {
	if err := k.reach(); err != nil {
		return nil, err
	}
	return k.b.log.Read(ctx, topic, p, from, min(most, 1+k.b.w.IntN(10)))
}

func (k kafka) reach() error {
	k.b.w.breathe()
	if k.b.logDown() || k.b.w.strikes(logUnread) {
		return errKafka
	}
	return nil
}

// append adds a record to the log and wakes up its readers.
func (b *brokers) append(m reporting.Message) error {
	if err := b.log.Append(context.Background(), []reporting.Message{m})[0]; err != nil {
		return err
	}
	b.w.changes++
	for _, s := range b.logSources {
		for _, h := range s.holders {
			if s.Topic.Topic == m.Topic {
				s.pollIn(b.w.between(10*time.Millisecond, 500*time.Millisecond), h)
			}
		}
	}
	return nil
}
