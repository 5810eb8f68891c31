package dynamo_test

import (
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/dynamo"
	"orderflow/internal/warehouse/storetest"
)

// store has the outbox as the relay sees it.
type store struct {
	dynamo.Store
	ddbtest.Stream
}

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (warehouse.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return store{dynamo.Store{Table: table}, ddbtest.Stream{Table: table}}, ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}

func TestOrdersAndMovementsExpireAfterTheRetention(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	table := ddbtest.NewTable(t, clock.At(now))
	s := dynamo.Store{Table: table}
	if err := s.SaveOrder(t.Context(), warehouse.Order{ID: "1", Version: 1}, commit.With{}); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveMovement(t.Context(), warehouse.Movement{ID: "1", Version: 1}, commit.With{}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"order", "movement"} {
		var item struct {
			ExpiresAt int64 `dynamodbav:"expiresAt"`
		}
		_, err := table.Find(t.Context(), kind+"#1", kind, &item)
		if want := now.Add(warehouse.Retention).Unix(); err != nil || item.ExpiresAt != want {
			t.Errorf("%s: expires at %d, %v; want %d", kind, item.ExpiresAt, err, want)
		}
	}
}
