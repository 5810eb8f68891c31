package ddb_test

import (
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb/ddbtest"
)

func TestEveryWriteRenewsTheRetention(t *testing.T) {
	c := clock.At(start)
	table := ddbtest.NewTable(t, c)
	kept := kettles
	kept.Retention = 90 * 24 * time.Hour
	for version := range int64(3) {
		c.Advance(time.Hour)
		must(t, kept.Save(t.Context(), table, kettle{"1", 0, version + 1}, commit.With{}))
		var item struct {
			ExpiresAt int64 `dynamodbav:"expiresAt"`
		}
		pk, sk := kept.Key("1")
		must(t, table.Get(t.Context(), pk, sk, &item, errFirst))
		if want := c.Now().Add(kept.Retention).Unix(); item.ExpiresAt != want {
			t.Errorf("version %d expires at %d, want %d", version+1, item.ExpiresAt, want)
		}
	}
}

func TestItemWithoutARetentionNeverExpires(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start))
	must(t, kettles.Save(t.Context(), table, kettle{"1", 0, 1}, commit.With{}))
	item := map[string]any{}
	pk, sk := kettles.Key("1")
	must(t, table.Get(t.Context(), pk, sk, &item, errFirst))
	if at, ok := item["expiresAt"]; ok {
		t.Errorf("the item expires at %v", at)
	}
}
