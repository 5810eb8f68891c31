package httpapi

import (
	"cmp"
	"context"
	"encoding/json"

	"orderflow/internal/platform/audit"
)

// audited has an operator's call written down before it is handled, and how it ended after that. The record may be of a call that
// failed; there is no effect without a record. What customers do is not written down here. The trail is nil where nobody has
// configured the function, as in the simulation.
func (e *endpoint) audited(ctx context.Context, r *Request) (res Response, err error) {
	if e.trail == nil || !r.Caller.In(Operator) {
		return inTime(ctx, r, e.handle)
	}
	var said struct{ Reason string }
	_ = json.Unmarshal(r.Body, &said) // a call without a body gives no reason
	action := audit.Action{
		Who: r.Caller.Subject, User: audit.API, Why: said.Reason, What: r.operation,
		Subject: cmp.Or(r.Path["orderId"], r.Path["sku"]), Detail: string(r.Body),
	}
	err = e.trail.Do(ctx, action, func(ctx context.Context) error {
		var err error
		res, err = inTime(ctx, r, e.handle)
		return err
	})
	return res, err
}
