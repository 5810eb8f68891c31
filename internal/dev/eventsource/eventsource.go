// Package eventsource polls Kafka and RabbitMQ for the functions of local stacks, as Lambda's event
// source mappings do on AWS: the emulators have none for these brokers.
//
// The mappings are those of the deployed templates. A mapping that a deployment adds, changes or
// removes starts, restarts or stops within [Refresh], as on AWS. It refuses properties that Lambda
// would act on and this package would not, so that no template works here by luck.
//
// What it imitates is in AWS's Lambda Developer Guide:
//
//   - with-kafka, with-msk, with-mq: the events
//   - kafka-retry-configurations: retries, age, halving, partial batch responses
//   - kafka-on-failure: what a destination gets
//   - kafka-filtering, with-mq (filtering): filter criteria
//   - invocation-eventsourcemapping: when a batch is complete
//
// Delivery is at least once. A Kafka offset is committed, and a message of RabbitMQ acknowledged,
// only after the function has succeeded or the records have been given up on. So a crash of this
// process, of a broker or of a function repeats records, but loses none.
package eventsource

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/clock"
)

// Refresh is the interval at which the deployed mappings are read.
const Refresh = 2 * time.Second

// Config says what to poll.
type Config struct {
	AWS    aws.Config // with the emulator's endpoint
	Stacks []string   // names of CloudFormation stacks; one that does not exist has no mappings
	Log    *slog.Logger

	// Lambda finds a broker by the ARN of its mapping. Here there is one of each kind.

	RabbitMQ string // URL without credentials and virtual host: amqps://127.0.0.1:5671
	RabbitCA []byte // PEM of the authority that signed its certificate; empty: the system's
	MSK      string // host:port of the Kafka broker that stands for Amazon MSK
}

// Sources polls for every mapping of its stacks.
type Sources struct {
	config Config
	aws    backend

	mu      sync.Mutex
	running map[string]*source
}

// source is a mapping that is being polled.
type source struct {
	mapping Mapping
	stop    context.CancelFunc
	ended   chan struct{}
	status  *status
}

// New returns sources that poll nothing before Run.
func New(c Config) *Sources {
	return &Sources{config: c, aws: account{awsapi.Client{Config: c.AWS}}, running: map[string]*source{}}
}

// Run polls until ctx ends.
func (s *Sources) Run(ctx context.Context) {
	defer s.keep(nil)
	for ctx.Err() == nil {
		mappings, err := s.deployed(ctx)
		if err != nil { // running sources continue: the emulator may be back soon
			s.config.Log.Warn("the deployed mappings cannot be read", "error", err)
		} else {
			s.keep(mappings)
			s.start(ctx, mappings)
		}
		_ = clock.Sleep(ctx, Refresh)
	}
}

// deployed returns the enabled mappings of all stacks.
func (s *Sources) deployed(ctx context.Context) ([]Mapping, error) {
	var all []Mapping
	for _, name := range s.config.Stacks {
		stack, err := s.aws.stack(ctx, name)
		if err != nil {
			return nil, err
		}
		if stack == nil {
			continue
		}
		found, err := Mappings(stack)
		if err != nil { // the others continue
			s.config.Log.Error("a mapping cannot be polled", "stack", name, "error", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// keep stops every source whose mapping is not among these.
func (s *Sources) keep(mappings []Mapping) {
	s.mu.Lock()
	var stopped []*source
	for id, running := range s.running {
		same := false
		for _, m := range mappings {
			same = same || reflect.DeepEqual(m, running.mapping)
		}
		if !same {
			running.stop()
			stopped = append(stopped, running)
			delete(s.running, id)
		}
	}
	s.mu.Unlock()
	for _, old := range stopped {
		<-old.ended
		s.config.Log.Info("stopped", "mapping", old.mapping.ID)
	}
}

func (s *Sources) start(ctx context.Context, mappings []Mapping) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range mappings {
		if s.running[m.ID] != nil {
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		one := &source{mapping: m, stop: stop, ended: make(chan struct{}), status: &status{}}
		s.running[m.ID] = one
		s.config.Log.Info("polling", "mapping", m.ID, "function", m.Function, "source", m.name())
		go func() {
			defer close(one.ended)
			s.poll(ctx, one)
		}()
	}
}

// poll polls one source until ctx ends, whatever happens to its broker.
func (s *Sources) poll(ctx context.Context, one *source) {
	log := s.config.Log.With("mapping", one.mapping.ID)
	d := &delivery{mapping: one.mapping, aws: s.aws, status: one.status, log: log, now: time.Now, pause: pauses}
	for pause := time.Duration(0); ctx.Err() == nil; {
		began := time.Now()
		var err error
		if one.mapping.Queue != "" {
			err = s.pollRabbitMQ(ctx, d)
		} else {
			err = s.pollKafka(ctx, d)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("the connection ended")
		}
		one.status.failed(err)
		log.Warn("the broker cannot be polled", "error", err)
		if time.Since(began) > time.Minute {
			pause = 0
		}
		pause = min(max(2*pause, 250*time.Millisecond), 5*time.Second)
		_ = clock.Sleep(ctx, pause)
	}
}

// pauses is the wait before a repetition after that many failures. AWS documents none.
func pauses(failures int) time.Duration {
	return min(200*time.Millisecond<<min(failures, 6), 10*time.Second)
}
