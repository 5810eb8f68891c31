// Package traces reads the trace of an order from a collector that speaks Zipkin's API, and prints
// it as a tree.
package traces

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orderflow/internal/platform/printable"
	"orderflow/internal/platform/tracing/zipkin"
)

// ErrNone says that the collector has no trace of the order, or not yet.
var ErrNone = errors.New("no such trace")

// Of reads the trace in which an order was placed from the collector at an address.
func Of(ctx context.Context, base, orderID string) ([]zipkin.Span, error) {
	query := "orderId=" + orderID + " and operation=placeOrder"
	target := base + "/api/v2/traces?limit=1&annotationQuery=" + url.QueryEscape(query)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the trace collector answered %s", res.Status)
	}
	var found [][]zipkin.Span
	if err := json.NewDecoder(res.Body).Decode(&found); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrNone
	}
	return found[0], nil
}

// Write prints a trace as a tree, with the start, duration, name, function and error of each span.
// A span whose parent is missing is printed as a root.
func Write(w io.Writer, spans []zipkin.Span) error {
	known, children := map[string]bool{}, map[string][]zipkin.Span{}
	for _, s := range spans {
		known[s.ID] = true
	}
	for _, s := range spans {
		parent := s.ParentID
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var write func(parent string, depth int) error
	write = func(parent string, depth int) error {
		for _, s := range children[parent] {
			start := time.Duration(s.Timestamp-spans[0].Timestamp) * time.Microsecond
			indent := strings.Repeat("  ", depth)
			line := fmt.Sprintf("%7.3f s %9.1f ms  %s%s", start.Seconds(), float64(s.Duration)/1000, indent, s.Name)
			if s.Name != s.Local.ServiceName {
				line += "  [" + s.Local.ServiceName + "]"
			}
			if code := s.Tags["error"]; code != "" {
				line += "  ✗ " + code
			}
			if _, err := fmt.Fprintln(w, printable.Escape(line)); err != nil {
				return err
			}
			if err := write(s.ID, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if len(spans) > 0 {
		if _, err := fmt.Fprintf(w, "trace %s, %d spans\n", spans[0].TraceID, len(spans)); err != nil {
			return err
		}
	}
	return write("", 0)
}
