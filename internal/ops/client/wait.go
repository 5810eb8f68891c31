package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// maxFailures is the number of consecutive failures at which WaitFinal gives up.
const maxFailures = 20

// WaitFinal polls an order until it is final, and returns it. It calls onChange, unless nil, with
// the first order read and whenever its status or reason has changed. It retries temporary failures
// (network errors, 429, 5xx) up to 20 times in a row. On an error it returns the last order read.
func (c *Client) WaitFinal(ctx context.Context, orderID string, onChange func(Order)) (Order, error) {
	poll := c.Poll
	if poll <= 0 {
		poll = 250 * time.Millisecond
	}
	var last Order
	var failure error
	for failures := 0; ; failures++ {
		wait := poll
		order, err := c.GetOrder(ctx, orderID)
		var p *Problem
		switch {
		case err == nil:
			if onChange != nil && (order.Status != last.Status || order.Why() != last.Why()) {
				onChange(order)
			}
			if last, failure, failures = order, nil, -1; order.Final() {
				return order, nil
			}
		case ctx.Err() != nil: // returned below
		case failures >= maxFailures-1, !temporary(err, &p):
			return last, err
		default:
			failure = err
			if p != nil {
				wait = max(wait, p.RetryAfter)
			}
		}
		select {
		case <-ctx.Done():
			return last, notFinal(ctx, orderID, last, failure)
		case <-time.After(wait):
		}
	}
}

// temporary reports whether the call may succeed later, and sets p if err is a problem.
func temporary(err error, p **Problem) bool {
	if errors.As(err, p) {
		return (*p).Temporary()
	}
	var network *url.Error
	return errors.As(err, &network)
}

func notFinal(ctx context.Context, orderID string, last Order, failure error) error {
	switch {
	case failure != nil:
		return fmt.Errorf("order %s: %w; the last call failed: %w", orderID, ctx.Err(), failure)
	case last.Status == "":
		return fmt.Errorf("order %s: %w before it was read", orderID, ctx.Err())
	}
	return fmt.Errorf("order %s is still %s: %w", orderID, last.Status, ctx.Err())
}
