package xray

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/tracing"
)

// Document is a segment document
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html). Times are in
// seconds since 1970.
type Document struct {
	TraceID  string  `json:"trace_id"`
	ID       string  `json:"id"`
	ParentID string  `json:"parent_id,omitempty"`
	Name     string  `json:"name"`
	Start    float64 `json:"start_time"`
	End      float64 `json:"end_time"`
	// Type is "subsegment" for a part of a segment of this function, or of Lambda's own.
	Type        string            `json:"type,omitempty"`
	Namespace   string            `json:"namespace,omitempty"`
	Fault       bool              `json:"fault,omitempty"`
	HTTP        *HTTP             `json:"http,omitempty"`
	AWS         map[string]string `json:"aws,omitempty"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// HTTP describes a request.
type HTTP struct {
	Request  map[string]string `json:"request,omitempty"`
	Response map[string]int64  `json:"response,omitempty"`
}

// Of puts a span into X-Ray's form. A span whose parent is in another function is a segment of this
// function. The others, and those in Lambda's own segment of the invocation, are subsegments.
func Of(f tracing.Finished) Document {
	id := f.Trace.String()
	d := Document{
		TraceID: "1-" + id[:8] + "-" + id[8:], ID: f.ID.String(), Name: f.Name,
		Start: seconds(f.Began), End: seconds(f.Ended), Fault: f.Failed, Annotations: map[string]any{},
	}
	if f.Parent.IsValid() {
		d.ParentID = f.Parent.String()
		if !f.RemoteParent || f.LambdaParent {
			d.Type = "subsegment"
		}
	}
	if d.Type == "" {
		d.Name = f.Function // X-Ray draws one node for each name of a segment
		d.Annotations["operation"] = f.Name
	}
	for _, a := range f.Attributes {
		d.setAttribute(f.Kind, a)
	}
	d.Name = clean(d.Name)
	return d
}

// setAttribute puts an attribute where X-Ray looks for it. Traces can be searched by annotations.
func (d *Document) setAttribute(kind trace.SpanKind, a attribute.KeyValue) {
	text := a.Value.String()
	switch a.Key {
	case "http.request.method":
		d.http().Request = map[string]string{"method": text}
	case tracing.KeyStatus:
		d.http().Response = map[string]int64{"status": a.Value.AsInt64()}
	case tracing.KeyDependency:
		if kind == trace.SpanKindClient {
			d.Name, d.Namespace = text, "remote"
		}
	case "rpc.service":
		d.Name, d.Namespace = text, "aws"
	case "rpc.method":
		d.aws()["operation"] = text
	case "aws.dynamodb.table_names":
		d.aws()["table_name"] = text
	case "aws.sqs.queue.url":
		d.aws()["queue_url"] = text
	default:
		d.Annotations[strings.ReplaceAll(string(a.Key), ".", "_")] = a.Value.AsInterface()
	}
}

func (d *Document) http() *HTTP {
	if d.HTTP == nil {
		d.HTTP = &HTTP{}
	}
	return d.HTTP
}

func (d *Document) aws() map[string]string {
	if d.AWS == nil {
		d.AWS = map[string]string{}
	}
	return d.AWS
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// allowed are the characters that X-Ray takes in a name, beside letters and digits of ASCII.
const allowed = " _.:/%&#=+\\-@"

// clean replaces what X-Ray does not take in a name, and cuts it to the length that X-Ray takes.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(allowed, r) {
			return r
		}
		return '_'
	}, name)
	return name[:min(len(name), 200)]
}
