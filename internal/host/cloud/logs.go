package cloud

import (
	"encoding/json"
	"strings"
	"sync"
)

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

// call answers the calls of CloudWatch Logs.
func (l *logs) call(operation string, body []byte) (any, error) {
	var in struct {
		LogGroupName, FilterPattern string
		LogEvents                   []record
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch operation {
	case "CreateLogStream":
	case "PutLogEvents":
		if l.groups == nil {
			l.groups = map[string][]record{}
		}
		all := append(l.groups[in.LogGroupName], in.LogEvents...)
		l.groups[in.LogGroupName] = all[max(0, len(all)-maxRecords):]
	case "FilterLogEvents":
		found := []record{}
		for _, r := range l.groups[in.LogGroupName] {
			if strings.Contains(r.Message, in.FilterPattern) { // a quoted text, or none
				found = append(found, r)
			}
		}
		return map[string]any{"events": found}, nil
	default:
		return nil, refuse("UnknownOperationException", "%s is not available in this process", operation)
	}
	return struct{}{}, nil
}
