package reporting

import (
	"strings"

	"orderflow/internal/platform/envelope"
)

// Headers of events in the log, as in the binary mode of CloudEvents' Kafka binding
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md).
const (
	attributePrefix = "ce_"
	contentType     = "content-type"
	dataContentType = "datacontenttype" // the one attribute without a header of its own
)

// headers returns an event's attributes as headers.
func headers(e envelope.Event) map[string]string {
	all := map[string]string{}
	for name, value := range e.Binary() {
		if name == dataContentType {
			all[contentType] = value
			continue
		}
		all[attributePrefix+name] = value
	}
	return all
}

// EventOf reads the event of a record.
func EventOf(r Record) (envelope.Event, error) {
	attributes := map[string]string{dataContentType: r.Headers[contentType]}
	for name, value := range r.Headers {
		if name, is := strings.CutPrefix(name, attributePrefix); is && name != dataContentType {
			attributes[name] = value
		}
	}
	return envelope.FromBinary(attributes, r.Value)
}
