package repair

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"orderflow/internal/platform/concurrent"
)

// Cause is why messages are in a dead-letter queue, as far as their consumer's log shows.
type Cause struct {
	// Code is the code of the error, such as InvalidEvent, or "" if no log shows it.
	Code string `json:"code"`
	// Error is the newest such error.
	Error    string `json:"error,omitempty"`
	Messages int    `json:"messages"`
	// Subjects are the orders or products that the messages are about.
	Subjects []string `json:"subjects"`
	// Runbook says what to do.
	Runbook string `json:"runbook"`
}

const (
	// looked is how many messages of a queue are read for their causes.
	looked = 100
	// kept is how long a dead-letter queue keeps messages.
	kept = 14 * 24 * time.Hour
	// searched bounds the search for errors in logs, which go back for weeks.
	searched = 20 * time.Second
)

// notHandled is what a consumer logs about a message that failed, with the message's id.
const notHandled = "event not handled"

// Explained is a dead-letter queue with the causes of its messages.
type Explained struct {
	Queue
	Causes []Cause `json:"causes"`
}

// Explain lists all dead-letter queues with the causes of their first hundred messages.
func (q Queues) Explain(ctx context.Context, logs Logs) ([]Explained, error) {
	queues, err := q.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Explained, len(queues))
	found := make([][]Message, len(queues))
	err = concurrent.Do(len(queues), atOnce, func(i int) (err error) {
		if queues[i].Messages > 0 {
			found[i], err = q.Look(ctx, queues[i], looked)
		}
		return err
	})
	messages := slices.Concat(found...)
	logs.Errors(ctx, messages)
	for i, queue := range queues {
		all[i] = Explained{queue, causes(queue, messages[:len(found[i])])}
		messages = messages[len(found[i]):]
	}
	return all, err
}

// Errors sets the messages' errors, as far as their consumers' logs have them.
func (l Logs) Errors(ctx context.Context, messages []Message) {
	if len(messages) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, searched)
	defer cancel()
	since := time.Now()
	for _, m := range messages {
		sent := m.Sent
		if sent.IsZero() {
			sent = time.Now().Add(-kept)
		}
		since = slices.MinFunc([]time.Time{since, sent}, time.Time.Compare)
	}
	lines, _ := l.About(ctx, notHandled, since) // without the log, causes are unknown
	errors := map[string]string{}
	for _, line := range lines {
		errors[line.MessageID] = line.Error
	}
	for i, m := range messages {
		messages[i].Error = errors[m.ID]
	}
}

// causes groups messages of a queue by the code of their error, the most frequent first.
func causes(from Queue, messages []Message) []Cause {
	all := []Cause{}
	for _, m := range messages {
		code, _, _ := strings.Cut(m.Error, ":")
		i := slices.IndexFunc(all, func(c Cause) bool { return c.Code == code })
		if i < 0 {
			i = len(all)
			all = append(all, Cause{Code: code, Runbook: Runbook(from.Kind, code)})
		}
		c := &all[i]
		c.Messages, c.Error = c.Messages+1, cmp.Or(m.Error, c.Error)
		if !slices.Contains(c.Subjects, m.Subject()) {
			c.Subjects = append(c.Subjects, m.Subject())
		}
	}
	slices.SortStableFunc(all, func(a, b Cause) int { return cmp.Compare(b.Messages, a.Messages) })
	return all
}

// Runbook returns the runbook about an error's code in a queue of this kind.
func Runbook(kind Kind, code string) string {
	name := "dead-letter-queue"
	switch {
	case kind == Relays:
		name = "relay-failures"
	case kind == Reader:
		name = "parked-records"
	case kind == Schedules, code == "SagaUnknown":
		name = "sweeps"
	case code == "CompensationExhausted":
		name = "saga-failed"
	}
	return "docs/runbooks/" + name + ".md"
}
