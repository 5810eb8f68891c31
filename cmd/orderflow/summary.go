package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"orderflow/internal/ops/client"
)

// showSummary shows the order and a line for each of its other parts.
func showSummary(w io.Writer, s client.Summary) {
	var o client.Order
	if why := unless(s.Order, &o); why != "" {
		row(w, "order", why)
	} else {
		showOrder(w, o)
	}
	var p client.Payment
	why := unless(s.Payment, &p)
	row(w, "payment", first(why, strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Status, p.Amount, p.Reason))))
	var r client.Reservations
	why = unless(s.Reservations, &r)
	row(w, "stock", first(why, r.Status))
	var sh client.Shipment
	why = unless(s.Shipment, &sh)
	row(w, "shipment", first(why, strings.TrimSpace(sh.Status+" "+sh.TrackingNumber+sh.Reason)))
}

// unless reads a part of a summary, and returns why it is missing if it is.
func unless(part json.RawMessage, into any) string {
	if failed := client.PartFailed(part); failed != nil {
		return fmt.Sprintf("(%s: %s)", failed.Code, failed.Detail)
	}
	if err := json.Unmarshal(part, into); err != nil {
		return "(unreadable: " + err.Error() + ")"
	}
	return ""
}
