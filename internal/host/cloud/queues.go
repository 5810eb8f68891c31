package cloud

import (
	"context"
	"crypto/md5" //nolint:gosec // G501: the SDK compares it; nothing depends on its strength
	"encoding/hex"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderflow/internal/host/delivery"
)

// hidden has the dead letters that somebody has received, and until when they stay hidden.
type hidden struct {
	mu    sync.Mutex
	until map[string]time.Time
}

const dlq = "-dlq"

// queues answers the calls of SQS. Only dead-letter queues return messages.
func (c *Cloud) queues(ctx context.Context, operation string, body []byte) (any, error) {
	var in struct {
		QueueName, QueueNamePrefix, QueueUrl, MessageBody, ReceiptHandle string //nolint:revive // AWS's names

		VisibilityTimeout, MaxNumberOfMessages int
		Attributes                             map[string]string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if operation == "ListQueues" {
		var urls []string
		for _, q := range c.Delivery.Queues() {
			urls = append(urls, c.url(q.Name), c.url(q.Name+dlq))
		}
		return map[string]any{"QueueUrls": urls}, nil
	}
	if operation == "GetQueueUrl" {
		in.QueueUrl = c.url(strings.TrimPrefix(in.QueueName, c.Stack+"-"))
	}
	name, dead := strings.CutSuffix(strings.TrimPrefix(in.QueueUrl, c.url("")), dlq)
	q := c.Delivery.Queue(name)
	if q == nil {
		return nil, refuse("AWS.SimpleQueueService.NonExistentQueue", "there is no queue %s", in.QueueUrl)
	}
	switch operation {
	case "GetQueueUrl":
		return map[string]string{"QueueUrl": in.QueueUrl}, nil
	case "GetQueueAttributes":
		s := q.State()
		visible, others := s.Ready, s.Taken+s.Hidden
		if dead {
			letters, err := q.Dead(ctx)
			if err != nil {
				return nil, err
			}
			visible, others = len(letters), 0
		}
		return map[string]any{"Attributes": map[string]string{
			"ApproximateNumberOfMessages":           strconv.Itoa(visible),
			"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(others),
		}}, nil
	case "SetQueueAttributes":
		return struct{}{}, hide(q, in.Attributes)
	case "SendMessage":
		out := map[string]string{"MessageId": "sent", "MD5OfMessageBody": sum(in.MessageBody)}
		if dead {
			return out, q.Park(ctx, in.MessageBody)
		}
		return out, c.Delivery.Send(ctx, name, in.MessageBody)
	case "ReceiveMessage":
		found, err := c.receive(ctx, q, in.MaxNumberOfMessages, in.VisibilityTimeout)
		return map[string]any{"Messages": found}, err
	case "ChangeMessageVisibility":
		c.hidden.hide(in.ReceiptHandle, c.Clock.Now().Add(time.Duration(in.VisibilityTimeout)*time.Second))
		return struct{}{}, nil
	case "DeleteMessage":
		return struct{}{}, q.Drop(ctx, in.ReceiptHandle)
	}
	return nil, unavailable(operation)
}

// hide sets how long a message that was received is hidden.
func hide(q *delivery.Queue, attributes map[string]string) error {
	seconds, err := strconv.Atoi(attributes["VisibilityTimeout"])
	if err != nil || seconds < 0 || len(attributes) != 1 {
		return refuse("InvalidAttributeName", "only VisibilityTimeout can be set in this process")
	}
	q.Hide(time.Duration(seconds) * time.Second)
	return nil
}

func (c *Cloud) url(name string) string {
	return "http://queues/" + Account + "/" + c.Stack + "-" + name
}

func sum(body string) string {
	s := md5.Sum([]byte(body)) //nolint:gosec // G401: see the import
	return hex.EncodeToString(s[:])
}

// receive returns dead letters that nobody else has received, and hides them for a while.
func (c *Cloud) receive(ctx context.Context, q *delivery.Queue, limit, visibility int) ([]map[string]any, error) {
	letters, err := q.Dead(ctx)
	now := c.Clock.Now()
	found := []map[string]any{}
	for _, m := range letters {
		if len(found) == limit || !c.hidden.take(m.ID, now, now.Add(time.Duration(visibility)*time.Second)) {
			continue
		}
		found = append(found, map[string]any{"MessageId": m.ID, "ReceiptHandle": m.ID, "Body": m.Body,
			"MD5OfBody":  sum(m.Body),
			"Attributes": map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.Receives)}})
	}
	return found, err
}

// take hides a message until a time, unless it is already hidden.
func (h *hidden) take(id string, now, until time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.until, func(_ string, t time.Time) bool { return !now.Before(t) })
	if _, taken := h.until[id]; taken {
		return false
	}
	h.put(id, until)
	return true
}

// hide hides a message until a time.
func (h *hidden) hide(id string, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(id, until)
}

func (h *hidden) put(id string, until time.Time) {
	if h.until == nil {
		h.until = map[string]time.Time{}
	}
	h.until[id] = until
}
