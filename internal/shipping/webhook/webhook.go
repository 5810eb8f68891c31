// Package webhook decodes the carrier's callbacks and their signatures: `v1=` and the signature in
// one header, the timestamp in another.
package webhook

import (
	"net/http"
	"strings"
)

// Headers that carry the signature.
const (
	HeaderTimestamp = "X-Carrier-Timestamp"
	HeaderSignature = "X-Carrier-Signature"
)

// Signatures is the carrier's signature.Scheme.
func Signatures(h http.Header) (timestamp string, signatures []string) {
	if s, ok := strings.CutPrefix(h.Get(HeaderSignature), "v1="); ok {
		signatures = []string{s}
	}
	return h.Get(HeaderTimestamp), signatures
}
