package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
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

// unparked drops messages that cannot be understood instead of parking them.
type unparked struct{ warehouse.Store }

// Park is part of warehouse.Store.
func (unparked) Park(context.Context, warehouse.Parked) error { return nil }

// dropping drops records that the table refuses.
type dropping struct{ reporting.Store }

// Apply is part of reporting.Store.
func (d dropping) Apply(ctx context.Context, w reporting.Write) error {
	err := d.Store.Apply(ctx, w)
	if errors.Is(err, reporting.ErrUnstorable) {
		w.Facts, w.Rows = nil, nil
		err = d.Store.Apply(ctx, w)
	}
	return err
}

// boastful treats every generation as complete.
type boastful struct{ reporting.Store }

func complete(g reporting.Generations) reporting.Generations {
	g.Since = time.Time{}
	if r := g.Rebuild; r != nil {
		claimed := *r
		claimed.Since, g.Rebuild = time.Time{}, &claimed
	}
	return g
}

// SaveGenerations is part of reporting.Store.
func (b boastful) SaveGenerations(ctx context.Context, g reporting.Generations) error {
	return b.Store.SaveGenerations(ctx, complete(g))
}

// Switch is part of reporting.Store.
func (b boastful) Switch(ctx context.Context, g reporting.Generations, closing int64, seen []reporting.Progress) error {
	return b.Store.Switch(ctx, complete(g), closing, seen)
}

// timeless does not know when the records were appended that the reports include.
type timeless struct{ reporting.Store }

// Progress is part of reporting.Store.
func (t timeless) Progress(ctx context.Context, generation int64, of reporting.Source) (reporting.Progress, error) {
	p, err := t.Store.Progress(ctx, generation, of)
	p.At = epoch.Add(10 * patience)
	return p, err
}

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
