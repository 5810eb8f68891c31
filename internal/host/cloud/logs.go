package cloud

import (
	"encoding/json"
	"strings"
	"sync"

	"orderflow/internal/platform/clock"
)

// Lines are what functions have logged. They keep the latest lines.
type Lines struct {
	Clock clock.Clock

	mu  sync.Mutex
	all []record
}

// Write keeps a line, which is written at once.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == maxRecords {
		l.all = append([]record(nil), l.all[maxRecords/2:]...)
	}
	l.all = append(l.all, record{l.Clock.Now().UnixMilli(), string(line)})
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

// logs are log groups in memory. They keep the latest records.
type logs struct {
	mu     sync.Mutex
	groups map[string][]record
}

type record struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

const maxRecords = 10_000

// audited ends the name of the log group of operators' actions.
const audited = "/operator-actions"

// call answers the calls of CloudWatch Logs. The log groups of services have the same lines, those
// of all functions.
func (l *logs) call(operation string, body []byte, lines *Lines) (any, error) {
	var in struct {
		LogGroupName, LogGroupNamePrefix, FilterPattern string

		StartTime int64
		LogEvents []record
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch operation {
	case "DescribeLogGroups":
		return map[string]any{"logGroups": []any{map[string]string{"logGroupName": in.LogGroupNamePrefix + "all"}}}, nil
	case "CreateLogStream":
	case "PutLogEvents":
		if l.groups == nil {
			l.groups = map[string][]record{}
		}
		all := append(l.groups[in.LogGroupName], in.LogEvents...)
		l.groups[in.LogGroupName] = all[max(0, len(all)-maxRecords):]
	case "FilterLogEvents":
		if !strings.HasSuffix(in.LogGroupName, audited) {
			return map[string]any{"events": lines.find(in.FilterPattern, in.StartTime)}, nil
		}
		found := []record{}
		for _, r := range l.groups[in.LogGroupName] {
			if strings.Contains(r.Message, in.FilterPattern) { // a quoted text, or none
				found = append(found, r)
			}
		}
		return map[string]any{"events": found}, nil
	default:
		return nil, unavailable(operation)
	}
	return struct{}{}, nil
}
