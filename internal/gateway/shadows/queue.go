// Package shadows hands answers of the old shop to compare-legacy-reads, by a queue of Amazon SQS.
package shadows

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/function"
)

// timeout bounds a send. The customer waits for it; most sends take a tenth of it.
const timeout = 300 * time.Millisecond

// Queue is a strangler.Shadows.
type Queue struct {
	api awsjson.Client
	url string
}

// FromEnv returns the queue SHADOW_QUEUE.
func FromEnv(env *function.Env) Queue {
	api := awsjson.New(env.AWS(), env.Clock, "sqs", "sqs", "AmazonSQS").Version10()
	return Queue{api: api, url: env.Require("SHADOW_QUEUE")}
}

// Enqueue implements strangler.Shadows. An answer that cannot be sent in time is not compared.
func (q Queue) Enqueue(ctx context.Context, s strangler.Shadowed) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, err := json.Marshal(s)
	if err == nil {
		in := map[string]string{"QueueUrl": q.url, "MessageBody": string(body)}
		err = q.api.Call(ctx, "SendMessage", in, nil)
	}
	if err != nil {
		slog.WarnContext(ctx, "an answer of the old shop is not compared", "route", string(s.Route), "error",
			err.Error())
	}
}
