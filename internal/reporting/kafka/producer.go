package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
)

// produceTimeout bounds Append: an attempt over a dead connection, and a second one.
const produceTimeout = 15 * time.Second

// errRefused is the error of a message that Kafka will never accept.
var errRefused = fault.New(fault.Invalid, "RefusedByLog", "Kafka refuses the message")

// Producer appends to the log. It is idempotent and waits for all replicas in sync (acks=all).
type Producer struct{ connection }

// NewProducer returns a producer. It connects at the first message.
func NewProducer(c Config) *Producer {
	return &Producer{connection{Config: c, options: []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.ProduceRequestTimeout(answerTimeout),
		kgo.UnknownTopicRetries(2), kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
	}}}
}

// Append produces messages.
func (p *Producer) Append(ctx context.Context, messages []reporting.Message) []error {
	ctx, cancel := within(ctx, produceTimeout)
	defer cancel()
	errs := make([]error, len(messages))
	client, err := p.open(ctx)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	defer p.touch()
	type result struct {
		place int
		err   error
	}
	results := make(chan result, len(messages))
	for i, m := range messages {
		client.TryProduce(ctx, toRecord(m), func(_ *kgo.Record, err error) { results <- result{i, err} })
	}
	for i := range errs {
		errs[i] = errUnavailable // until the outcome is known
	}
	for range messages {
		select {
		case r := <-results:
			if errs[r.place] = nil; r.err != nil {
				errs[r.place] = classify(r.err)
			}
		case <-ctx.Done():
			// The client would keep trying, to keep its sequence numbers in order. The queue
			// delivers the messages again; readers drop duplicates.
			p.drop(client)
			return errs
		}
	}
	return errs
}

func toRecord(m reporting.Message) *kgo.Record {
	r := &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Value}
	for name, value := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return r
}

// classify gives an error of Kafka its kind.
func classify(err error) error {
	var refused *kerr.Error
	if errors.As(err, &refused) && !refused.Retriable {
		return errRefused.Because(err)
	}
	return errUnavailable.Because(err)
}
