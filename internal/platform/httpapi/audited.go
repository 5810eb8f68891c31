package httpapi

import (
	"cmp"
	"context"
	"encoding/json"

	"orderflow/internal/platform/audit"
)

// audited records an operator's call before it is handled, and its outcome afterwards. A record may
// be of a call that failed, but nothing takes effect without a record. Customers' calls are not
// recorded. The trail is nil if the function is not configured, as in the simulation.
func (e *endpoint) audited(ctx context.Context, r *Request) (res Response, err error) {
	if e.trail == nil || !r.Caller.In(Operator) {
		return withinDeadline(ctx, r, e.handle)
	}
	var body struct{ Reason string }
	_ = json.Unmarshal(r.Body, &body) // a call without a body gives no reason
	action := audit.Action{
		Who: r.Caller.Subject, User: audit.API, Why: body.Reason, What: r.operation,
		Subject: cmp.Or(r.Path["orderId"], r.Path["sku"]), Detail: string(r.Body),
	}
	err = e.trail.Do(ctx, action, func(ctx context.Context) error {
		var err error
		res, err = withinDeadline(ctx, r, e.handle)
		return err
	})
	return res, err
}
