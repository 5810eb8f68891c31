package eventsource

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"orderflow/internal/platform/cfn"
)

// pollKafka polls a topic as a member of the mapping's consumer group until ctx ends or the client
// cannot continue.
func (s *Sources) pollKafka(ctx context.Context, d *delivery) error {
	d.bootstrap = d.mapping.Bootstrap
	if d.mapping.Source == MSK {
		d.bootstrap = []string{s.config.MSK}
	}
	options, err := kafkaOptions(ctx, d)
	if err != nil {
		return err
	}
	group := &partitions{delivery: d, workers: map[int32]*worker{}}
	release := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { group.release(lost) }
	client, err := kgo.NewClient(append(options, kgo.OnPartitionsRevoked(release), kgo.OnPartitionsLost(release))...)
	if err != nil {
		return err
	}
	defer client.Close()
	defer group.releaseAll()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	d.status.update(func(s *State) { s.Polling, s.LastError = true, "" })
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fetches.IsClientClosed() {
			return errors.New("the client is closed")
		}
		// Other errors pass: the client tries again by itself.
		fetches.EachError(func(topic string, p int32, err error) {
			d.status.failed(err)
			d.log.Warn("fetching failed", "topic", topic, "partition", p, "error", err)
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) > 0 {
				group.add(ctx, client, p.Partition, p.Records)
			}
		})
	}
}

func kafkaOptions(ctx context.Context, d *delivery) ([]kgo.Opt, error) {
	m := d.mapping
	from := kgo.NewOffset().AtStart()
	switch m.Start {
	case "LATEST":
		from = kgo.NewOffset().AtEnd()
	case "AT_TIMESTAMP":
		from = kgo.NewOffset().AfterMilli(m.StartAt.UnixMilli())
	}
	options := []kgo.Opt{kgo.SeedBrokers(d.bootstrap...), kgo.ClientID("lambda"), kgo.ConsumerGroup(m.Group),
		kgo.ConsumeTopics(m.Topic), kgo.ConsumeStartOffset(from), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.FetchMaxWait(500 * time.Millisecond), kgo.SessionTimeout(10 * time.Second),
		kgo.RetryTimeout(10 * time.Second)}
	if m.Login == "" {
		return options, nil // a broker without authentication
	}
	l, err := readLogin(ctx, d.aws, m.Login)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.CA != "" {
		text, err := d.aws.secret(ctx, m.CA)
		if err != nil {
			return nil, err
		}
		var secret any
		_ = json.Unmarshal([]byte(text), &secret)
		if pem, ok := cfn.Dig(secret, "certificate").(string); ok {
			text = pem
		}
		if config.RootCAs, err = pool([]byte(text)); err != nil {
			return nil, fmt.Errorf("the secret %s: %w", m.CA, err)
		}
	}
	return append(options, kgo.DialTLSConfig(config),
		kgo.SASL(scram.Auth{User: l.Username, Pass: l.Password}.AsSha512Mechanism())), nil
}

func pool(pem []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("it has no certificate in PEM")
	}
	return roots, nil
}

func joined(bootstrap []string) string { return strings.Join(bootstrap, ",") }

// partitions are the partitions that the group has given to this member. Each has a worker of its
// own, so one that fails does not hold up the others.
type partitions struct {
	*delivery
	mu      sync.Mutex
	workers map[int32]*worker
}

func (g *partitions) add(ctx context.Context, client *kgo.Client, p int32, records []*kgo.Record) {
	g.mu.Lock()
	w := g.workers[p]
	if w == nil {
		ctx, stop := context.WithCancel(ctx)
		w = &worker{delivery: g.delivery, client: client, partition: p, stop: stop, ended: make(chan struct{}),
			more: make(chan struct{}, 1)}
		g.workers[p] = w
		go w.run(ctx)
	}
	g.mu.Unlock()
	w.add(records)
}

// release ends the workers of partitions, and returns when they have ended.
func (g *partitions) release(lost map[string][]int32) {
	for _, ps := range lost {
		for _, p := range ps {
			g.mu.Lock()
			w := g.workers[p]
			delete(g.workers, p)
			g.mu.Unlock()
			if w != nil {
				w.stop()
				<-w.ended
			}
		}
	}
}

func (g *partitions) releaseAll() {
	g.mu.Lock()
	var all []int32
	for p := range g.workers {
		all = append(all, p)
	}
	g.mu.Unlock()
	g.release(map[string][]int32{g.mapping.Topic: all})
}

// worker delivers one partition: in order, one batch at a time.
type worker struct {
	*delivery
	client    *kgo.Client
	partition int32
	stop      context.CancelFunc
	ended     chan struct{}
	more      chan struct{} // holds a token after add

	mu     sync.Mutex
	queue  []*kgo.Record
	paused bool
}

// backlog is how many batches are held at most before fetching pauses.
const backlog = 4

func (w *worker) add(records []*kgo.Record) {
	w.mu.Lock()
	w.queue = append(w.queue, records...)
	if len(w.queue) > backlog*w.mapping.Batch && !w.paused {
		w.paused = true
		w.client.PauseFetchPartitions(map[string][]int32{w.mapping.Topic: {w.partition}})
	}
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	defer close(w.ended)
	defer w.resume() // the client would remember the pause when the partition comes back
	for {
		batch := w.take(ctx)
		if ctx.Err() != nil {
			return
		}
		open := &batchOffsets{batch: batch, settled: map[int64]bool{}}
		err := w.deliver(ctx, batch, func(records []*kgo.Record) {
			if last := open.settle(records); last != nil {
				w.commit(ctx, last)
			}
		})
		if err != nil {
			if ctx.Err() == nil {
				w.log.Error("a batch cannot be delivered", "partition", w.partition, "error", err)
			}
			return
		}
	}
}

// take waits for a record and then, for the mapping's window, for a full batch.
func (w *worker) take(ctx context.Context) []*kgo.Record {
	var window <-chan time.Time
	for {
		w.mu.Lock()
		have, size := len(w.queue), 0
		for i := range min(have, w.mapping.Batch) {
			size += len(w.queue[i].Value) * 4 / 3
		}
		w.mu.Unlock()
		if have >= w.mapping.Batch || size >= limit || have > 0 && w.mapping.Window == 0 {
			return w.pop()
		}
		if have > 0 && window == nil {
			timer := time.NewTimer(w.mapping.Window)
			defer timer.Stop()
			window = timer.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.more:
		case <-window:
			return w.pop()
		}
	}
}

func (w *worker) pop() []*kgo.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), w.mapping.Batch)
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	if w.paused && len(w.queue) <= w.mapping.Batch {
		w.paused = false
		w.resume()
	}
	return batch
}

func (w *worker) resume() {
	w.client.ResumeFetchPartitions(map[string][]int32{w.mapping.Topic: {w.partition}})
}

// commit commits the offset after a record. If it fails, because the broker is down or the
// partition has moved, the records come again.
func (w *worker) commit(ctx context.Context, last *kgo.Record) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := w.client.CommitRecords(ctx, last); err != nil {
		w.log.Warn("the offset is not committed", "partition", w.partition, "offset", last.Offset+1, "error", err)
	}
}

// batchOffsets knows how far a batch has been settled without a gap.
type batchOffsets struct {
	batch   []*kgo.Record
	next    int
	settled map[int64]bool
}

// settle returns the last record before the first one that is not settled, if it has advanced.
func (b *batchOffsets) settle(records []*kgo.Record) *kgo.Record {
	for _, r := range records {
		b.settled[r.Offset] = true
	}
	var last *kgo.Record
	for ; b.next < len(b.batch) && b.settled[b.batch[b.next].Offset]; b.next++ {
		last = b.batch[b.next]
	}
	return last
}
