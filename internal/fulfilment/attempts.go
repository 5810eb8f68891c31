package fulfilment

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// attempts bounds how often an order's compensation is started without an operator. What ended five times other than
// planned ends so a sixth time. It also bounds how often it is tried to leave the order to an operator after that.
const attempts = 5

// attempt names the n-th execution of compensate-order for an order, from 1. The first has the order's own id, by
// which everybody who wants the order undone meets.
func attempt(orderID string, n int) string {
	if n == 1 {
		return orderID
	}
	return orderID + "-" + strconv.Itoa(n)
}

// orderOf returns the order that an execution is about, by its name.
func orderOf(execution string) string {
	orderID, _, _ := strings.Cut(execution, "-")
	return orderID
}

// latest returns the newest execution of compensate-order for an order and which attempt it is; 0 if there was none.
// Attempts are started in turn, so the first name that is free ends the search.
func (s *Service) latest(ctx context.Context, orderID string) (Execution, int, error) {
	var last Execution
	for n := 1; ; n++ {
		x, err := s.engine.Execution(ctx, CompensateOrder, attempt(orderID, n))
		if errors.Is(err, ErrNoExecution) {
			return last, n - 1, nil
		}
		if err != nil {
			return Execution{}, 0, err
		}
		last = x
	}
}
