package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/function"
	"orderflow/internal/verify/projection"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/stockapi"
)

// renumbered gives a repeated message of the warehouse a new id.
func renumbered(w *World) {
	times := map[string]int{}
	w.replace("receive-goods", func(ctx context.Context, payload []byte, h function.Handler) ([]byte, error) {
		var in events.RabbitMQEvent
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		for _, batch := range in.MessagesByQueue {
			for i := range batch {
				id := *batch[i].BasicProperties.MessageID
				if times[id]++; times[id] > 1 {
					id = fmt.Sprint(id, "-", times[id])
				}
				batch[i].BasicProperties.MessageID = &id
			}
		}
		return h.Invoke(ctx, must(json.Marshal(in)))
	})
}

// rekeyed gives every attempt at an adjustment a key of its own.
func rekeyed(n *network, r *http.Request) (*http.Response, error) {
	if r.URL.Host == stockapi.Name {
		r.Header.Set("Idempotency-Key", n.w.ids.New())
	}
	return n.send(r)
}

// unparked drops what cannot be understood.
type unparked struct{ warehouse.Store }

// Park is part of warehouse.Store.
func (unparked) Park(context.Context, warehouse.Parked) error { return nil }

// projected are the defects of the reports' projection that package projection also searches for.
func projected() (all []Mutant) {
	for _, m := range projection.Mutants {
		if m.Simulated {
			all = append(all, Mutant{Name: "reports: " + m.Name, brokers: true, stores: func(w *World) {
				w.brokers.projected = m.Store(w.brokers.projected)
			}})
		}
	}
	return all
}
