// Package xray sends spans to the AWS X-Ray daemon, which Lambda runs beside every function with
// active tracing.
package xray

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"sync"

	"orderflow/internal/platform/tracing"
)

// Exporter sends each span as it ends, by UDP, which does not wait. A span that the daemon does not
// get is lost.
type Exporter struct {
	address string

	mu   sync.Mutex
	conn net.Conn
}

// To returns the exporter to a daemon. The address is in the form of AWS_XRAY_DAEMON_ADDRESS:
// host:port, or tcp:host:port udp:host:port.
func To(address string) *Exporter {
	for field := range strings.FieldsSeq(address) {
		if udp, ok := strings.CutPrefix(field, "udp:"); ok {
			return &Exporter{address: udp}
		}
	}
	return &Exporter{address: address}
}

// maxDocument is the size of the largest document that the daemon takes, in bytes.
const maxDocument = 64 << 10

// Export sends a span.
func (e *Exporter) Export(f tracing.Finished) {
	body, err := json.Marshal(Of(f))
	if err != nil || len(body) > maxDocument {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn == nil {
		// The address is numeric, so there is no lookup.
		if e.conn, err = (&net.Dialer{}).Dial("udp", e.address); err != nil {
			return
		}
	}
	// If the daemon is not there yet, a later write fails; the socket stays usable.
	_, _ = e.conn.Write(append([]byte("{\"format\": \"json\", \"version\": 1}\n"), body...))
}

// Flush does nothing: every span has been sent.
func (e *Exporter) Flush(context.Context) {}
