package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// patience is how many looks in a row may fail before WaitFinal gives up.
const patience = 20

// WaitFinal looks at an order until it is final, and returns it. onChange, where not nil, is called with the order when
// it is first seen and whenever its status or reason has changed. Faults that may pass (of the network, 429, 5xx) are
// waited out, up to 20 in a row. The last order that was seen is returned in any case.
func (c *Client) WaitFinal(ctx context.Context, orderID string, onChange func(Order)) (Order, error) {
	poll := c.Poll
	if poll <= 0 {
		poll = 250 * time.Millisecond
	}
	var last Order
	var trouble error
	for failures := 0; ; failures++ {
		wait := poll
		order, err := c.GetOrder(ctx, orderID)
		var p *Problem
		switch {
		case err == nil:
			if onChange != nil && (order.Status != last.Status || order.Why() != last.Why()) {
				onChange(order)
			}
			if last, trouble, failures = order, nil, -1; order.Final() {
				return order, nil
			}
		case ctx.Err() != nil: // told below
		case failures >= patience-1, !passing(err, &p):
			return last, err
		default:
			trouble = err
			if p != nil {
				wait = max(wait, p.RetryAfter)
			}
		}
		select {
		case <-ctx.Done():
			return last, unfinished(ctx, orderID, last, trouble)
		case <-time.After(wait):
		}
	}
}

// passing reports whether the call may succeed later, and finds its problem if it has one.
func passing(err error, p **Problem) bool {
	if errors.As(err, p) {
		return (*p).Temporary()
	}
	var network *url.Error
	return errors.As(err, &network)
}

func unfinished(ctx context.Context, orderID string, last Order, trouble error) error {
	switch {
	case trouble != nil:
		return fmt.Errorf("order %s: %w: last: %w", orderID, ctx.Err(), trouble)
	case last.Status == "":
		return fmt.Errorf("order %s: %w before it could be read", orderID, ctx.Err())
	}
	return fmt.Errorf("order %s is still %s: %w", orderID, last.Status, ctx.Err())
}
