// Package envelope is the form in which services publish events: CloudEvents 1.0,
// structured JSON mode (https://github.com/cloudevents/spec/blob/v1.0.2).
package envelope

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/platform/tracing"
)

// Event is one published fact.
type Event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	// Type is orderflow.<service>.<thing>.<happened>.v<n>.
	Type string `json:"type"`
	// Subject is the id of the aggregate that the event is about.
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
	// AggregateVersion grows with every change of the aggregate. Events arrive in any order, so
	// consumers drop those that are older than what they know.
	AggregateVersion int64 `json:"aggregateversion"`
	// TraceParent is the W3C trace context of the change that caused the event. XRayTraceHeader is
	// the same in AWS X-Ray's format.
	TraceParent     string `json:"traceparent,omitempty"`
	XRayTraceHeader string `json:"xraytraceheader,omitempty"`

	// unknown are attributes that only a newer version of the code knows. They are kept when the
	// event is passed on.
	unknown map[string]json.RawMessage
	// err is why the data could not be encoded; MarshalJSON fails with it.
	err error
}

// attributes is an event without its methods.
type attributes Event

// knownNames are the names of the attributes that this version of the code knows.
var knownNames = names(reflect.TypeFor[attributes]())

func names(t reflect.Type) (all []string) {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// UnmarshalJSON reads an event with all its attributes.
func (e *Event) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*attributes)(e)); err != nil {
		return err
	}
	e.unknown = nil
	for name, value := range rawjson.Members(b) {
		if slices.ContainsFunc(knownNames, func(known string) bool { return rawjson.Is(name, known) }) {
			continue
		}
		if e.unknown == nil {
			e.unknown = map[string]json.RawMessage{}
		}
		e.unknown[rawjson.Text(name)] = slices.Clone(value)
	}
	return nil
}

// MarshalJSON writes an event with all its attributes. Those who have an event call it directly:
// json.Marshal would check and copy the result.
func (e Event) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(attributes(e))
	if err = cmp.Or(e.err, err); err != nil {
		return nil, fault.New(fault.Internal, "UnencodableEvent", "event %s cannot be encoded", e.Type).Because(err)
	}
	if len(e.unknown) == 0 {
		return b, nil
	}
	more, err := json.Marshal(e.unknown)
	if err != nil {
		return nil, err
	}
	return append(append(b[:len(b)-1], ','), more[1:]...), nil
}

// ErrMalformed refuses bytes that are not an event of Orderflow.
var ErrMalformed = fault.New(fault.Invalid, "MalformedEvent", "not a CloudEvents 1.0 event of Orderflow")

// Parse reads an event and checks its required attributes.
func Parse(b []byte) (Event, error) {
	var e Event
	if err := e.UnmarshalJSON(b); err != nil { // directly, because b would be checked once more
		return Event{}, ErrMalformed.Because(err)
	}
	switch {
	case e.SpecVersion != "1.0", e.ID == "", e.Source == "", e.Subject == "",
		!strings.HasPrefix(e.Type, "orderflow."), e.DataContentType != "application/json", len(e.Data) == 0:
		return Event{}, ErrMalformed
	}
	return e, nil
}

// Attributes are the span attributes of the event, named as in
// https://opentelemetry.io/docs/specs/semconv/cloudevents/cloudevents-spans/.
func (e Event) Attributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("cloudevents.event_id", e.ID), attribute.String("cloudevents.event_type", e.Type),
		tracing.Order(e.Subject),
	}
}

// Publisher creates the events of one service.
type Publisher struct {
	Service string
	Clock   clock.Clock
	IDs     ids.Source
}

// New returns an event about version of the aggregate subject, with the trace context of ctx. Data
// without a JSON form is a defect: the event cannot be encoded, so its commit fails.
func (p Publisher) New(ctx context.Context, eventType, subject string, version int64, data any) Event {
	b, err := json.Marshal(data)
	return Event{
		SpecVersion: "1.0", ID: p.IDs.New(), Source: "orderflow/" + p.Service, Type: eventType, Subject: subject,
		Time: p.Clock.Now(), DataContentType: "application/json", Data: b,
		AggregateVersion: version, TraceParent: tracing.Parent(ctx), XRayTraceHeader: tracing.XRay(ctx), err: err,
	}
}

// Decode reads the event's data.
func Decode[T any](e Event) (T, error) {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return v, ErrMalformed.Because(fmt.Errorf("data of %s: %w", e.Type, err))
	}
	return v, nil
}
