package rabbitmq

import (
	"runtime"
	"testing"
	"time"
)

// Every connection that is dropped must end with all its goroutines, or a process that runs for
// days fills up.
func TestDroppedConnectionsLeaveNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		newBroker(t, closesTheChannel, closesTheConnection, refuses, confirms).want(4,
			ErrUnconfirmed, ErrUnconfirmed, ErrUnconfirmed, nil)
	}
	left := runtime.NumGoroutine()
	for range 100 {
		if left <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
		left = runtime.NumGoroutine()
	}
	t.Errorf("%d goroutines, %d before", left, before)
}
