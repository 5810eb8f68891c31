package cloud

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"orderflow/internal/host/records"
	"orderflow/internal/platform/clock"
)

// Lines are what functions have logged. They keep the latest lines.
type Lines struct {
	Clock clock.Clock

	mu  sync.Mutex
	all []record
}

// Write keeps a line. The logger writes each line by one call.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == maxRecords {
		l.all = append([]record(nil), l.all[maxRecords/2:]...)
	}
	l.all = append(l.all, record{Timestamp: l.Clock.Now().UnixMilli(), Message: string(line)})
	return len(line), nil
}

// find returns the lines that contain a text, since a time.
func (l *Lines) find(text string, since int64) []record {
	found := []record{}
	if l == nil {
		return found
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.all {
		if r.Timestamp >= since && strings.Contains(r.Message, text) {
			found = append(found, r)
		}
	}
	return found
}

// record is a line with its time.
type record = records.Record

const maxRecords = 10_000

// audited is the suffix of the log group of operators' actions, which are kept as long as on AWS.
const (
	audited = "/operator-actions"
	auditIs = 3653 * 24 * time.Hour
)

// logs answers the calls of CloudWatch Logs. Only operators' actions have a log group of their own.
// The log groups of all services return the same lines: those of all functions.
func (c *Cloud) logs(ctx context.Context, operation string, body []byte) (any, error) {
	var in struct {
		LogGroupName, LogGroupNamePrefix, FilterPattern string

		StartTime int64
		LogEvents []record
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch operation {
	case "DescribeLogGroups":
		return map[string]any{"logGroups": []any{map[string]string{"logGroupName": in.LogGroupNamePrefix + "all"}}}, nil
	case "CreateLogStream":
		return struct{}{}, nil
	case "PutLogEvents":
		return struct{}{}, c.Records.Append(ctx, in.LogGroupName, auditIs, in.LogEvents...)
	case "FilterLogEvents":
		if !strings.HasSuffix(in.LogGroupName, audited) {
			return map[string]any{"events": c.Log.find(in.FilterPattern, in.StartTime)}, nil
		}
		all, err := c.Records.Latest(ctx, in.LogGroupName)
		found := []record{}
		for _, r := range all {
			if strings.Contains(r.Message, in.FilterPattern) { // a quoted text, or none
				found = append(found, r)
			}
		}
		return map[string]any{"events": found}, err
	}
	return nil, unavailable(operation)
}
