package httpapi

import (
	"context"
	"strconv"
	"time"

	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
)

const (
	// minWait is the least time that work gets, however short a deadline its caller chose.
	minWait = 250 * time.Millisecond
	// maxWait is beyond what any request may take; a caller that waits longer has set no deadline.
	maxWait = time.Minute
)

var errLate = fault.New(fault.TimedOut, "DeadlineExceeded",
	"the request was not done within the "+httpclient.TimeoutHeader+" that you sent; what was done by then counts")

// inTime has the work end when the caller that says how long it waits has gone: work for nobody only adds to an overload.
// Work that failed because of such a deadline is the caller's choice and never a fault of ours.
func inTime(ctx context.Context, r *Request, handle HandlerFunc) (Response, error) {
	wait, ok := wait(r.Header.Get(httpclient.TimeoutHeader))
	if !ok {
		return handle(ctx, r)
	}
	ctx, cancel := deadline.Choose(ctx, wait)
	defer cancel()
	res, err := handle(ctx, r)
	kind := fault.KindOf(err)
	if err != nil && (kind == fault.Transient || kind == fault.Unavailable) && deadline.Passed(ctx, err) {
		return Response{}, errLate.Because(err)
	}
	return res, err
}

// wait reads the header. What is no time to wait counts as none.
func wait(milliseconds string) (time.Duration, bool) {
	ms, err := strconv.Atoi(milliseconds)
	if err != nil || ms <= 0 || ms >= int(maxWait.Milliseconds()) {
		return 0, false
	}
	return max(time.Duration(ms)*time.Millisecond, minWait), true
}
