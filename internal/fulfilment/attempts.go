package fulfilment

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// attempts is how often an order's compensation is started without an operator; more attempts would
// not help. After that, recovery tries as often to hand the order to an operator.
const attempts = 5

// attempt returns the name of the n-th execution of compensate-order for an order, from 1. The
// first is named by the order's id, so that all callers that want the order undone start the same
// one.
func attempt(orderID string, n int) string {
	if n == 1 {
		return orderID
	}
	return orderID + "-" + strconv.Itoa(n)
}

// orderOf returns the id of the order in an execution's name.
func orderOf(execution string) string {
	orderID, _, _ := strings.Cut(execution, "-")
	return orderID
}

// latest returns an order's latest execution of compensate-order and its number; 0 if there is
// none. Attempts are started in turn, so the first unused name ends the search.
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
