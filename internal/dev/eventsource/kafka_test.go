package eventsource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/platform/cfn"
)

const topic = "orderflow.orders.events"

func cluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, topic)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// produce appends values to a partition.
func produce(t *testing.T, c *kfake.Cluster, partition int32, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// template is a stack with one mapping of the cluster's topic.
func template(t *testing.T, c *kfake.Cluster, properties string) *cfn.Stack {
	t.Helper()
	text := fmt.Sprintf(`
Resources:
  Sales:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: project-sales
      Topics: [%s]
      SelfManagedEventSource: {Endpoints: {KafkaBootstrapServers: [%q]}}
      %s
`, topic, strings.Join(c.ListenAddrs(), ","), strings.ReplaceAll(properties, "\n", "\n      "))
	parsed, err := cfn.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	stack, err := cfn.New(parsed, "orderflow-reporting", nil)
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// poll polls for a stack's mappings until the test ends or stop is called.
func poll(t *testing.T, aws *fake, stack *cfn.Stack) (s *Sources, stop func()) {
	t.Helper()
	if aws.stacks == nil {
		aws.stacks = func(string) (*cfn.Stack, error) { return stack, nil }
	}
	ctx, cancel := context.WithCancel(t.Context())
	s = &Sources{config: Config{Stacks: []string{"orderflow-reporting"}, Log: quiet()}, aws: aws,
		running: map[string]*source{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return s, stop
}

// state returns the state of the only source, if there is one.
func state(s *Sources) State {
	if all := s.States(); len(all) == 1 {
		return all[0]
	}
	return State{}
}

const plain = `StartingPosition: TRIM_HORIZON
MaximumBatchingWindowInSeconds: 0`

func TestEveryPartitionIsDeliveredInOrderOneBatchAtATime(t *testing.T) {
	c := cluster(t)
	var want [3][]string
	for p := range want {
		for i := range 40 {
			want[p] = append(want[p], fmt.Sprintf("p%d-%d", p, i))
		}
		produce(t, c, int32(p), want[p]...)
	}
	var mu sync.Mutex
	got, busy := map[string][]string{}, map[string]bool{}
	aws := &fake{function: func(values []string, event events.KafkaEvent) (outcome, error) {
		name := strings.Join(slices.Collect(maps.Keys(event.Records)), " ")
		mu.Lock()
		if busy[name] || len(values) > 7 {
			t.Errorf("%s: busy %t, %d records", name, busy[name], len(values))
		}
		busy[name] = true
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		busy[name] = false
		got[name] = append(got[name], values...)
		return outcome{}, nil
	}}
	poll(t, aws, template(t, c, plain+"\nBatchSize: 7"))
	await(t, "120 records", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got[topic+"-0"])+len(got[topic+"-1"])+len(got[topic+"-2"]) >= 120
	})
	for p := range want {
		if name := fmt.Sprintf("%s-%d", topic, p); !slices.Equal(got[name], want[p]) {
			t.Errorf("%s: %v", name, got[name])
		}
	}
}

func TestAPartitionThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	c := cluster(t)
	produce(t, c, 0, "poison")
	produce(t, c, 1, "a")
	produce(t, c, 2, "b")
	aws := &fake{function: poisoned}
	s, _ := poll(t, aws, template(t, c, plain))
	await(t, "the other partitions", func() bool { return state(s).Records == 2 })
	await(t, "repetitions", func() bool { return strings.Count(aws.invocations(), "poison") > 1 })
	if state := state(s); state.Failures == 0 || state.Discarded != 0 {
		t.Errorf("%+v", state)
	}
}

// TestAfterACrashOnlyUnfinishedBatchesRepeat stops the poller while its function is at work. What
// was committed stays, and what was not comes again.
func TestAfterACrashOnlyUnfinishedBatchesRepeat(t *testing.T) {
	c := cluster(t)
	produce(t, c, 0, "done")
	release := make(chan struct{})
	aws := &fake{function: func(values []string, _ events.KafkaEvent) (outcome, error) {
		if slices.Contains(values, "interrupted") {
			<-release
			return outcome{}, context.Canceled // the process ended before the answer came
		}
		return outcome{}, nil
	}}
	stack := template(t, c, plain)
	s, stop := poll(t, aws, stack)
	await(t, "the first batch", func() bool { return state(s).Records == 1 })
	produce(t, c, 0, "interrupted")
	await(t, "the second batch", func() bool { return aws.invocations() == "done, interrupted" })
	go func() { close(release) }()
	stop()

	again := &fake{}
	s, _ = poll(t, again, stack)
	await(t, "the second batch again", func() bool { return again.invocations() == "interrupted" })
	await(t, "its end", func() bool { return state(s).Records == 1 })
}

func TestAPausedPartitionIsFetchedWhenItComesBack(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster(t).ListenAddrs()...), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	aws := &fake{function: func([]string, events.KafkaEvent) (outcome, error) { return outcome{}, errThrottled }}
	g := &partitions{delivery: newDelivery(Mapping{Topic: topic, Batch: 1}, aws), workers: map[int32]*worker{}}
	g.pause = func(int) time.Duration { return time.Millisecond }
	g.add(t.Context(), client, 2, batchOf("a", "b", "c", "d", "e", "f", "g"))
	if paused := client.PauseFetchPartitions(nil); len(paused[topic]) != 1 {
		t.Errorf("with a backlog of 7 batches, paused %v", paused)
	}
	g.releaseAll()
	if paused := client.PauseFetchPartitions(nil); len(paused[topic]) != 0 {
		t.Errorf("after its release, paused %v", paused)
	}
}

func TestStartingPositions(t *testing.T) {
	c := cluster(t)
	produce(t, c, 0, "before")
	time.Sleep(1100 * time.Millisecond) // timestamps of mappings are seconds
	from := time.Now().Unix()
	produce(t, c, 0, "after")
	for position, want := range map[string]string{"TRIM_HORIZON": "before after", "LATEST": "late",
		fmt.Sprintf("AT_TIMESTAMP\nStartingPositionTimestamp: %d", from): "after"} {
		aws := &fake{}
		name, _, _ := strings.Cut(position, "\n")
		stack := template(t, c, "StartingPosition: "+position+
			"\nMaximumBatchingWindowInSeconds: 1\nSelfManagedKafkaEventSourceConfig: {ConsumerGroupId: "+name+"}")
		s, stop := poll(t, aws, stack)
		if name == "LATEST" {
			await(t, "the group", func() bool { return state(s).Polling })
			for n := 0; aws.invocations() == ""; n++ { // it starts at the end, whenever that is
				produce(t, c, 0, "late")
				time.Sleep(50 * time.Millisecond)
			}
			if got := aws.invocations(); !strings.HasPrefix(got, want) {
				t.Errorf("LATEST: invoked with %q", got)
			}
		} else {
			await(t, position, func() bool { return strings.HasPrefix(aws.invocations(), want) })
		}
		stop()
	}
}

func TestTheWindowCollectsABatch(t *testing.T) {
	c := cluster(t)
	aws := &fake{}
	s, _ := poll(t, aws, template(t, c, `StartingPosition: TRIM_HORIZON
MaximumBatchingWindowInSeconds: 2
BatchSize: 3`))
	await(t, "the mapping", func() bool { return state(s).Polling })
	produce(t, c, 0, "a", "b")
	time.Sleep(300 * time.Millisecond)
	if got := aws.invocations(); got != "" {
		t.Errorf("invoked within the window: %q", got)
	}
	produce(t, c, 0, "c", "d")
	await(t, "a full batch and the rest", func() bool { return aws.invocations() == "a b c, d" })
}

// TestMappingsComeChangeAndGo deploys, updates and deletes a stack while sources run.
func TestMappingsComeChangeAndGo(t *testing.T) {
	c := cluster(t)
	produce(t, c, 0, "a")
	var mu sync.Mutex
	var stack *cfn.Stack
	var failing error
	deploy := func(s *cfn.Stack, err error) {
		mu.Lock()
		defer mu.Unlock()
		stack, failing = s, err
	}
	aws := &fake{stacks: func(string) (*cfn.Stack, error) {
		mu.Lock()
		defer mu.Unlock()
		return stack, failing
	}}
	s, _ := poll(t, aws, nil)
	deploy(template(t, c, plain), nil)
	await(t, "a", func() bool { return state(s).Records == 1 })
	deploy(nil, errBroken) // the emulator is away: the source goes on
	time.Sleep(Refresh + 100*time.Millisecond)
	produce(t, c, 0, "b")
	await(t, "b", func() bool { return state(s).Records == 2 })
	deploy(template(t, c, plain+`
FilterCriteria: {Filters: [{Pattern: '{"value":["d"]}'}]}`), nil)
	await(t, "a new source", func() bool { return state(s).Records == 0 && state(s).Polling })
	produce(t, c, 0, "c", "d")
	await(t, "d", func() bool { return state(s).Records == 1 })
	deploy(nil, nil)
	await(t, "its end", func() bool { return len(s.States()) == 0 })
	if got := aws.invocations(); got != "a, b, d" {
		t.Errorf("invoked with %q", got)
	}
}

func TestABrokerThatIsAwayIsFoundAgain(t *testing.T) {
	listener := kfake.Ports(0)
	c := cluster(t, listener)
	stack := template(t, c, plain)
	addresses := c.ListenAddrs()
	c.Close()
	aws := &fake{}
	s, _ := poll(t, aws, stack)
	await(t, "a failure", func() bool { return state(s).LastError != "" })
	var port int
	if _, err := fmt.Sscanf(addresses[0], "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	again := cluster(t, kfake.Ports(port))
	produce(t, again, 1, "a")
	await(t, "the record", func() bool { return aws.invocations() == "a" })
}
