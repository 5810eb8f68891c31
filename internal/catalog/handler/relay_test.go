package handler

import (
	"context"
	"errors"
	"os"
	"testing"

	"orderflow/internal/catalog/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/schema"
)

// sink records what the relay publishes and deletes.
type sink struct {
	published []envelope.Event
	deleted   []outbox.Item
}

func (s *sink) Publish(_ context.Context, batch []envelope.Event) (map[string]error, error) {
	s.published = append(s.published, batch...)
	return nil, nil
}

func (s *sink) DeletePublished(_ context.Context, items []outbox.Item) error {
	s.deleted = append(s.deleted, items...)
	return nil
}

func (s *sink) PutAside(context.Context, []outbox.Item) error { return errors.New("put aside") }

func (s *sink) Heard(context.Context, string) (bool, error) { return false, nil }

func TestSampleOfTheStreamHoldsAValidEvent(t *testing.T) {
	payload, err := os.ReadFile("../../../events/catalog/relay-catalog-events.json")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	if _, err := outbox.Relay(s, s, clock.System{}).Invoke(t.Context(), payload); err != nil {
		t.Fatal(err)
	}
	if len(s.published) != 1 || len(s.deleted) != 1 || s.deleted[0].SK != s.published[0].ID {
		t.Fatalf("published %+v, deleted %+v", s.published, s.deleted)
	}
	schemas := schema.Load(contract.Schemas)
	if err := schemas.Validate(s.published[0]); err != nil {
		t.Error(err)
	}
}
