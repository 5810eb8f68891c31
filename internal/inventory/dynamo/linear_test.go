package dynamo_test

import (
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/dynamo"
	"orderflow/internal/inventory/lineartest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
)

func TestInventoryIsLinearizable(t *testing.T) {
	shapes := map[string]lineartest.Shape{
		"ByProduct":   {Histories: 2, Clients: 8, Calls: 25},
		"WholeOrders": {Histories: 2, Clients: 4, Calls: 20, WholeOrders: true},
		"Split":       {Histories: 2, Clients: 8, Calls: 25, Contended: true},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			lineartest.Run(t, shape, func(t *testing.T, c clock.Clock) inventory.Store {
				return dynamo.Open(ddbtest.NewTable(t, c, ddb.OpenIndex))
			})
		})
	}
}
