package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
)

// One places an order and prints each step of its saga as it happens, until it is confirmed.
func (s Shop) One(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	o, err := s.place(ctx, request("MUG-BLUE", 2, good, berlin))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "    order %s over %s is %s\n", o.OrderID, o.Total, o.Status)
	printed := 0
	for {
		o, err = s.Customer.GetOrder(ctx, o.OrderID)
		if err != nil {
			return err
		}
		saga, err := s.Saga(ctx, o.OrderID)
		if err != nil && !errors.Is(err, timeline.ErrNone) {
			return err
		}
		steps := tasks(saga)
		for ; printed < len(steps) && steps[printed].Outcome != timeline.Running; printed++ {
			fmt.Fprintf(w, "    %6.1f s  %-17s %s\n",
				time.Duration(steps[printed].Offset+steps[printed].Duration).Seconds(),
				steps[printed].State, steps[printed].Outcome)
		}
		if o.Final() && printed >= len(steps) {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("order %s is still %s: see `orderflow saga show %s`", o.OrderID, o.Status, o.OrderID)
		case <-time.After(200 * time.Millisecond):
		}
	}
	fmt.Fprintf(w, "    order %s is %s\n", o.OrderID, o.Status)
	if o.Status != client.Confirmed {
		return fmt.Errorf("the order ended %s (%s)", o.Status, o.Why())
	}
	return nil
}

func tasks(saga timeline.Timeline) []timeline.Step {
	var steps []timeline.Step
	for _, step := range saga.Steps {
		if step.Type == "Task" {
			steps = append(steps, step)
		}
	}
	return steps
}
