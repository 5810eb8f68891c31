package bench

import (
	"regexp"
	"strings"

	"orderflow/internal/verify/tables"
)

// Unit is something that AWS bills, or that a duration depends on.
type Unit string

// The units.
const (
	Transitions    Unit = "state transitions"
	ExpressRuns    Unit = "Express requests"
	ExpressSeconds Unit = "Express GB-seconds"
	Invocations    Unit = "invocations"
	GBSeconds      Unit = "GB-seconds"
	WriteUnits     Unit = "write units"
	ReadUnits      Unit = "read units"
	Requests       Unit = "API requests"
	Publishes      Unit = "SNS publishes"
	QueueCalls     Unit = "SQS calls"
	LogBytes       Unit = "log bytes"
	SecretCalls    Unit = "secret reads"
	ParameterCalls Unit = "parameter reads"
	DiscoveryCalls Unit = "discovery calls"
	Traces         Unit = "traces"
	Mails          Unit = "e-mails"
	Calls          Unit = "calls of AWS"           // not billed
	PartyCalls     Unit = "calls of third parties" // not billed
)

// detail is the prefix of table units by kind of item.
const detail = "table: "

// within is the prefix of the units of functions that an Express execution waits for.
const within = "within: "

// Counts are the units that each function or state machine causes, and in detail the units of its
// items in tables.
type Counts map[string]map[Unit]float64

func (w *World) count(who string, u Unit, n float64) {
	if w.counts[who] == nil {
		w.counts[who] = map[Unit]float64{}
	}
	if n != 0 {
		w.counts[who][u] += n
	}
}

// countUse counts an item's units by its kind: the prefix of its key, or the kind of record.
func (w *World) countUse(who string, u tables.Use) {
	pk := u.Key["pk"]
	for _, v := range u.Key {
		if pk.S == nil { // of a query of an index
			pk = v
		}
	}
	kind, _, _ := strings.Cut(*pk.S, "#")
	if u.Index != "" {
		kind += " in index " + u.Index
	}
	operation := strings.TrimPrefix(u.Operation, "TransactWriteItems.")
	if operation != u.Operation {
		operation = "transact " + operation
	}
	of := Unit(detail + operation + " " + kind)
	w.count(who, WriteUnits, u.Write)
	w.count(who, ReadUnits, u.Read)
	w.count(who, of, u.Write+u.Read)
}

// systemLines are what Lambda itself logs for an invocation, unless its level is WARN.
const systemLines = "START RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Version: $LATEST\n" +
	"END RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95\n" +
	"REPORT RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95\tDuration: 12.34 ms" +
	"\tBilled Duration: 13 ms\tMemory Size: 256 MB\tMax Memory Used: 40 MB\t\n" +
	"XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85" +
	"\tSampled: true\t\n"

// moments are the times in lines, whose length differs from run to run.
var moments = regexp.MustCompile(`"time":"[^"]*"`)

// stamp is what Lambda adds, in its format JSON, to a line without a time.
const stamp = `"timestamp":"2026-01-05T09:00:00.123Z","level":"INFO",`

// logged returns the size of what an invocation logged, and empties the log. A time has nine digits
// of a second.
func (f *deployed) logged() (size int) {
	for line := range strings.Lines(f.log.String()) {
		size += len(moments.ReplaceAllLiteralString(line, `"time":"2026-01-05T09:00:00.123456789Z"`))
		if f.logs["LogFormat"] == "JSON" && !moments.MatchString(line) {
			size += len(stamp)
		}
	}
	f.log.Reset()
	if f.logs["SystemLogLevel"] != "WARN" {
		size += len(systemLines)
	}
	return size
}
