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
	// minWait is the minimum time of a request, however short the caller's deadline.
	minWait = 250 * time.Millisecond
	// maxWait is longer than any request may take; a longer timeout sets no deadline.
	maxWait = time.Minute
)

var errDeadline = fault.New(fault.TimedOut, "DeadlineExceeded",
	"the request did not finish within your "+httpclient.TimeoutHeader+"; it may have taken effect")

// withinDeadline ends the work when the caller stops waiting, if it said how long it waits: further
// work would only add to an overload. Work that fails because of that deadline is a 408, not a
// fault of our own.
func withinDeadline(ctx context.Context, r *Request, handle HandlerFunc) (Response, error) {
	wait, ok := callerWait(r.Header.Get(httpclient.TimeoutHeader))
	if !ok {
		return handle(ctx, r)
	}
	ctx, cancel := deadline.Choose(ctx, wait)
	defer cancel()
	res, err := handle(ctx, r)
	kind := fault.KindOf(err)
	if err != nil && (kind == fault.Transient || kind == fault.Unavailable) && deadline.Passed(ctx, err) {
		return Response{}, errDeadline.Because(err)
	}
	return res, err
}

// callerWait reads the timeout header. An invalid value sets no deadline.
func callerWait(milliseconds string) (time.Duration, bool) {
	ms, err := strconv.Atoi(milliseconds)
	if err != nil || ms <= 0 || ms >= int(maxWait.Milliseconds()) {
		return 0, false
	}
	return max(time.Duration(ms)*time.Millisecond, minWait), true
}
