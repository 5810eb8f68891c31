package repair

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
)

// Source is what invokes a function: a queue, or a stream of a table or a log. No alarm rings at
// once if somebody switches it off.
type Source struct {
	Function string `json:"function"`
	// State is Lambda's state, such as Enabled or Disabled.
	State string `json:"state"`
	// Problem is Lambda's last error, or "".
	Problem string `json:"problem,omitempty"`
	// Meant is why it is switched off on purpose, or "".
	Meant string `json:"meant,omitempty"`
	// Waiting is the number of messages in the queue; 0 for a stream.
	Waiting int `json:"waiting"`
	// Oldest is the age of the queue's oldest message in seconds, as CloudWatch last measured it.
	// It is 0 if nothing waits, and on emulators, which do not measure it.
	Oldest int `json:"oldestSeconds"`
	queue  string
}

// MaxQueueAge is the age of a message at which QueueAgeAlarm rings.
const MaxQueueAge = 5 * time.Minute

// Late reports whether the oldest message has waited too long for a source that is not off on
// purpose.
func (s Source) Late() bool {
	return s.Meant == "" && time.Duration(s.Oldest)*time.Second > MaxQueueAge
}

// missing is the state of a source that Lambda does not list: somebody deleted it.
const missing = "missing"

// Works reports whether the source invokes its function, or is off on purpose.
func (s Source) Works() bool { return s.Meant != "" || s.Problem == "" && !s.off() }

func (s Source) off() bool {
	return s.State == "Disabled" || s.State == "Disabling" || s.State == missing
}

// Sources are the event sources of a deployment.
type Sources struct {
	API    awsapi.Client
	Queues Queues
	// EventsBy is the deployment's parameter: who handles events. "" means functions.
	EventsBy string
	Clock    clock.Clock
}

// meant says why a function's source is switched off by EventsBy, or "".
func (s Sources) meant(function string) string {
	switch {
	case s.EventsBy == "process":
		return "a process handles this stage's events"
	case s.EventsBy == "draining" && function == starts:
		return "draining: no saga begins until EventsBy has another value"
	}
	return ""
}

// starts is the function that starts sagas.
const starts = "start-fulfilment"

// List returns all of them, sorted by function.
func (s Sources) List(ctx context.Context) (all []Source, err error) {
	for marker := ""; ; {
		query := url.Values{"MaxItems": {"100"}}
		if marker != "" {
			query.Set("Marker", marker)
		}
		var page struct {
			NextMarker          string
			EventSourceMappings []struct {
				FunctionArn, EventSourceArn, State, LastProcessingResult string
			}
		}
		err := s.API.Get(ctx, "lambda", "/2015-03-31/event-source-mappings/?"+query.Encode(), &page)
		if err != nil {
			return nil, err
		}
		for _, m := range page.EventSourceMappings {
			_, function, _ := strings.Cut(m.FunctionArn, ":function:"+s.Queues.Stack+"-")
			function, _, _ = strings.Cut(function, ":") // of a version
			if function == "" || strings.HasPrefix(function, "sandbox-") {
				continue
			}
			found := Source{Function: function, State: m.State}
			if found.off() {
				found.Meant = s.meant(function)
			}
			if strings.HasPrefix(m.LastProcessingResult, "PROBLEM") {
				found.Problem = m.LastProcessingResult
			}
			if strings.Contains(m.EventSourceArn, ":sqs:") {
				found.queue = m.EventSourceArn[strings.LastIndex(m.EventSourceArn, ":")+1:]
			}
			all = append(all, found)
		}
		if marker = page.NextMarker; marker == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b Source) int { return strings.Compare(a.Function, b.Function) })
	return all, s.measure(ctx, all)
}

// measure sets the number and age of messages in the queues of sources.
func (s Sources) measure(ctx context.Context, all []Source) error {
	known, err := s.Queues.urls(ctx)
	if err != nil {
		return err
	}
	urls := map[string]string{}
	for _, url := range known {
		urls[nameOf(url)] = url
	}
	var queues []string
	for _, found := range all {
		if found.queue != "" {
			queues = append(queues, found.queue)
		}
	}
	oldest, err := s.oldest(ctx, queues)
	if err != nil {
		return err
	}
	return concurrent.Do(len(all), atOnce, func(i int) (err error) {
		if all[i].queue == "" {
			return nil
		}
		url, exists := urls[all[i].queue]
		if !exists {
			all[i].Problem = "its queue does not exist"
			return nil
		}
		all[i].Oldest = oldest[all[i].queue]
		all[i].Waiting, err = s.Queues.visible(ctx, url)
		return err
	})
}

// Soon says when the saga of an order that was placed starts.
const Soon = "it starts a moment after the order is placed; if the event was lost, sweep-orders gets it started " +
	"after 30 minutes, or `orderflow dlq list` shows who gave up on it"

// Why says in a sentence why a placed order has no saga, as far as that can be seen.
func (s Sources) Why(ctx context.Context) (string, error) {
	all, err := s.List(ctx)
	if err != nil {
		return "", err
	}
	of := func(function string) Source {
		i := slices.IndexFunc(all, func(s Source) bool { return s.Function == function })
		if i < 0 {
			return Source{State: missing, Meant: s.meant(function)}
		}
		return all[i]
	}
	relay, start := of("relay-orders-events"), of(starts)
	switch {
	case cmp.Or(relay.Meant, start.Meant) != "" && relay.Works():
		return cmp.Or(relay.Meant, start.Meant) + " (EventsBy in docs/one-process.md)", nil
	case !relay.Works():
		return "it was placed, but not published: the event source of relay-orders-events is " +
			relay.state() + " (docs/runbooks/outbox-lag.md)", nil
	case !start.Works():
		return "it was placed and published, but not picked up: the event source of start-fulfilment is " +
			start.state() + ", messages waiting: " + strconv.Itoa(start.Waiting) + " (docs/runbooks/queue-age.md)", nil
	}
	dead, err := s.Queues.Find(ctx, starts)
	if err == nil && dead.Messages > 0 {
		return "it was placed and published, and start-fulfilment may have given up on it: " +
			"`orderflow dlq show start-fulfilment`", nil
	}
	return Soon, err
}

func (s Source) state() string {
	if s.Problem != "" {
		return s.State + ", " + s.Problem
	}
	return s.State
}
