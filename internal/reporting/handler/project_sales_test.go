package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

var now = time.Date(2025, 11, 23, 9, 0, 9, 0, time.UTC)

// sample is the sample batch: an order of two mugs that is placed and confirmed.
func sample(t *testing.T) (batch events.KafkaEvent) {
	t.Helper()
	b, err := os.ReadFile("../../../events/reporting/project-sales.json")
	if err == nil {
		err = json.Unmarshal(b, &batch)
	}
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func invokeSales(t *testing.T, h function.Handler, batch events.KafkaEvent) (measured string, err error) {
	t.Helper()
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	emitter := metrics.NewEmitter(&out, clock.At(now), metrics.Labels{},
		func(context.Context) []slog.Attr { return nil })
	_, err = h.Invoke(metrics.With(t.Context(), emitter), payload)
	return out.String(), err
}

func projecting() (function.Handler, *memory.Store) {
	store := memory.New(clock.At(now))
	return projectSales(reporting.New(store, clock.At(now), Meter{})), store
}

var soldToday = reporting.RowID{Report: reporting.Sales, Day: "2025-11-23", Of: "EUR"}

func TestRepeatedSampleBatchCountsOnce(t *testing.T) {
	h, store := projecting()
	for range 2 {
		measured, err := invokeSales(t, h, sample(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"ProjectedRecords":2`, `"ProjectionLag":5000`} {
			if !strings.Contains(measured, want) {
				t.Errorf("%s is not in %s", want, measured)
			}
		}
	}
	row := store.All(1)[soldToday]
	if row[reporting.Orders] != 1 || row[reporting.Units] != 2 || row[reporting.Revenue] != 3998 {
		t.Errorf("sales %v", row)
	}
}

func TestPartitionThatFailsDoesNotStopTheOthers(t *testing.T) {
	h, store := projecting()
	batch := sample(t)
	stuck := reporting.Source{Topic: "orderflow.orders.events", Partition: 7}
	for name, of := range map[string]int64{"a-7": 7, "z-7": 7} {
		r := batch.Records["orderflow.orders.events-0"][0]
		r.Partition = of
		batch.Records[name] = []events.KafkaRecord{r}
	}
	closed := reporting.Generations{Serving: 1, Version: 1}
	if err := store.Switch(t.Context(), closed, 1, []reporting.Progress{{Source: stuck}}); err != nil {
		t.Fatal(err)
	}
	if _, err := invokeSales(t, h, batch); err == nil {
		t.Error("the batch does not fail")
	}
	if row := store.All(1)[soldToday]; row[reporting.Orders] != 1 {
		t.Errorf("sales %v", row)
	}
}

func TestPoisonInABatchIsParkedAndCounted(t *testing.T) {
	h, store := projecting()
	batch := sample(t)
	batch.Records["orderflow.orders.events-0"][0].Value = "not Base64"
	measured, err := invokeSales(t, h, batch)
	if err != nil {
		t.Fatal(err)
	}
	parked := store.AllParked(1)
	if len(parked) != 1 || parked[0].Offset != 15 || !strings.Contains(measured, `"ParkedRecords":1`) {
		t.Errorf("parked %v, measured %s", parked, measured)
	}
}
