package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"orderflow/internal/ops/client"
)

// showSummary shows the order and one line for each of its other parts.
func showSummary(w io.Writer, s client.Summary) {
	var o client.Order
	if missing := decodePart(s.Order, &o); missing != "" {
		row(w, "order", missing)
	} else {
		showOrder(w, o)
	}
	var p client.Payment
	missing := decodePart(s.Payment, &p)
	row(w, "payment", cmp.Or(missing, strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Status, p.Amount, p.Reason))))
	var r client.Reservations
	missing = decodePart(s.Reservations, &r)
	row(w, "stock", cmp.Or(missing, r.Status))
	var sh client.Shipment
	missing = decodePart(s.Shipment, &sh)
	row(w, "shipment", cmp.Or(missing, strings.TrimSpace(sh.Status+" "+sh.TrackingNumber+sh.Reason)))
}

// decodePart decodes a part of a summary, or returns why it is missing.
func decodePart(part json.RawMessage, into any) (missing string) {
	if failed := client.PartFailed(part); failed != nil {
		return fmt.Sprintf("(%s: %s)", failed.Code, failed.Detail)
	}
	if err := json.Unmarshal(part, into); err != nil {
		return "(unreadable: " + err.Error() + ")"
	}
	return ""
}
