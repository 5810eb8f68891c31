package repair

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/outbox"
)

// oldest returns the age of the oldest message of queues in seconds, by queue. Receiving a message
// would show its age too, but count as an attempt of its consumer; CloudWatch only measures.
func (s Sources) oldest(ctx context.Context, queues []string) (map[string]int, error) {
	const (
		measured = "ApproximateAgeOfOldestMessage"
		every    = time.Minute
		// late is how long CloudWatch may take to have a measurement.
		late = 10 * time.Minute
	)
	ages := map[string]int{}
	if len(queues) == 0 {
		return ages, nil
	}
	now := s.Clock.Now().UTC()
	form := url.Values{"Action": {"GetMetricData"}, "Version": {"2010-08-01"}, "ScanBy": {"TimestampDescending"},
		"StartTime": {now.Add(-late).Format(time.RFC3339)}, "EndTime": {now.Format(time.RFC3339)}}
	for i, queue := range queues {
		member := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		stat := member + "MetricStat."
		form.Set(member+"Id", id(i))
		form.Set(stat+"Stat", "Maximum")
		form.Set(stat+"Period", fmt.Sprint(every.Seconds()))
		form.Set(stat+"Metric.Namespace", "AWS/SQS")
		form.Set(stat+"Metric.MetricName", measured)
		form.Set(stat+"Metric.Dimensions.member.1.Name", "QueueName")
		form.Set(stat+"Metric.Dimensions.member.1.Value", queue)
	}
	var out struct {
		Results []struct {
			ID     string    `xml:"Id"`
			Values []float64 `xml:"Values>member"`
		} `xml:"GetMetricDataResult>MetricDataResults>member"`
	}
	if err := s.API.Query(ctx, "monitoring", form, &out); err != nil {
		return nil, err
	}
	for i, queue := range queues {
		for _, r := range out.Results {
			if r.ID == id(i) && len(r.Values) > 0 {
				ages[queue] = int(r.Values[0])
			}
		}
	}
	return ages, nil
}

func id(i int) string { return fmt.Sprint("q", i) }

// Outbox is what waits in a service's table to be published.
type Outbox struct {
	Service string `json:"service"`
	// Events counts the events that are items, such as those that were put aside. Others are in the
	// items of orders and the like; only the heartbeat shows that they wait.
	Events int `json:"events"`
	// Oldest is the age in seconds of the oldest of them, or of the heartbeat, which the relay
	// deletes within seconds; 0 if nothing waits.
	Oldest int `json:"oldestSeconds"`
}

// MaxOutboxAge is the age of an event at which OutboxAgeAlarm rings.
const MaxOutboxAge = 2 * time.Minute

// Late reports whether something has waited too long.
func (o Outbox) Late() bool { return time.Duration(o.Oldest)*time.Second > MaxOutboxAge }

// Outboxes are the outboxes of a deployment.
type Outboxes struct {
	// Services have a table with an outbox; Table opens it.
	Services []string
	Table    func(service string) outbox.Watched
	Clock    clock.Clock
}

// List returns all of them, and changes none.
func (o Outboxes) List(ctx context.Context) ([]Outbox, error) {
	all := make([]Outbox, len(o.Services))
	return all, concurrent.Do(len(all), atOnce, func(i int) error {
		table := o.Table(o.Services[i])
		all[i].Service = o.Services[i]
		waiting, err := table.Waiting(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Services[i], err)
		}
		since, waits, err := table.Beating(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Services[i], err)
		}
		all[i].Events = len(waiting)
		if at, waits := outbox.Oldest(waiting, since, waits); waits {
			all[i].Oldest = int(o.Clock.Now().Sub(at).Seconds())
		}
		return nil
	})
}
