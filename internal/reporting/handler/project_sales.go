package handler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/dynamo"
)

// ProjectSales builds the function project-sales.
func ProjectSales(env *function.Env) function.Handler {
	return projectSales(reporting.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, Meter{}))
}

// projectSales projects the records of a batch of Lambda's Kafka event source. Its partitions do
// not depend on each other: all are projected, also after one has failed. If one has failed, the
// batch is delivered again, and records that are already projected change nothing.
func projectSales(svc *reporting.Service) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var batch events.KafkaEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			return nil, err
		}
		var failed []error
		for _, name := range slices.Sorted(maps.Keys(batch.Records)) {
			records := make([]reporting.Record, len(batch.Records[name]))
			for i, r := range batch.Records[name] {
				records[i] = record(r)
			}
			if len(records) > 0 {
				of := reporting.Source{Topic: records[0].Topic, Partition: records[0].Partition}
				failed = append(failed, svc.ProjectSales(ctx, of, records))
			}
		}
		return nil, errors.Join(failed...)
	})
}

func record(r events.KafkaRecord) reporting.Record {
	headers := map[string]string{}
	for _, header := range r.Headers {
		for name, value := range header {
			headers[name] = string(value)
		}
	}
	return reporting.Record{
		Topic: r.Topic, Partition: int32(r.Partition), Offset: r.Offset, //nolint:gosec // Kafka's are 32 bits
		Key: decoded(r.Key), Headers: headers, Value: decoded(r.Value), Time: r.Timestamp.UTC(),
	}
}

// decoded decodes Base64. Other text is passed on unchanged, to be parked.
func decoded(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return []byte(s)
	}
	return b
}

// Meter records what was projected as metrics.
type Meter struct{}

// Projected records how many records were projected, and how long ago the last was appended.
func (Meter) Projected(ctx context.Context, records int, last time.Time) {
	metrics.Count(ctx, metrics.ProjectedRecords, records)
	metrics.Since(ctx, metrics.ProjectionLag, last)
}

// Lost counts a loss of records.
func (Meter) Lost(ctx context.Context, _ reporting.Source) {
	metrics.Count(ctx, metrics.LostRecords, 1)
}

// Parked counts a parked record.
func (Meter) Parked(ctx context.Context, _ reporting.Parked) {
	metrics.Count(ctx, metrics.ParkedRecords, 1)
}
