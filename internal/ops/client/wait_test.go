package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/ops/client"
)

// reply is a response, or the failure to get one.
type reply struct {
	status int
	body   string
	err    error
}

// script replies to requests in turn, and repeats its last reply.
type script struct {
	replies []reply
	asked   int
}

func (s *script) RoundTrip(*http.Request) (*http.Response, error) {
	r := s.replies[min(s.asked, len(s.replies)-1)]
	s.asked++
	if r.err != nil {
		return nil, r.err
	}
	header, body := http.Header{"Retry-After": {"2"}}, io.NopCloser(strings.NewReader(r.body))
	return &http.Response{StatusCode: r.status, Header: header, Body: body}, nil
}

func failed(status int) reply { return reply{status: status} }

func found(status string) reply {
	return reply{status: http.StatusOK, body: `{"status":"` + status + `"}`}
}

var refused = reply{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}

// wait waits for an order with a fake clock.
func wait(t *testing.T, limit time.Duration, replies ...reply) (
	seen []string, asked int, took time.Duration, err error,
) {
	synctest.Test(t, func(t *testing.T) {
		s, start := &script{replies: replies}, time.Now()
		c := &client.Client{BaseURL: "http://api", HTTP: &http.Client{Transport: s}}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err = c.WaitFinal(ctx, order, func(o client.Order) { seen = append(seen, o.Status) })
		asked, took = s.asked, time.Since(start)
	})
	return seen, asked, took, err
}

func TestWaitReportsEveryChangeOnce(t *testing.T) {
	replies := []reply{found("PENDING"), found("PENDING"), found("PENDING"), found("CONFIRMED")}
	seen, asked, took, err := wait(t, time.Minute, replies...)
	if err != nil || !slices.Equal(seen, []string{"PENDING", "CONFIRMED"}) || asked != 4 ||
		took != 750*time.Millisecond {
		t.Errorf("%v after %d polls in %s, %v", seen, asked, took, err)
	}
}

func TestEveryStateButPendingIsFinal(t *testing.T) {
	for _, status := range []string{client.Confirmed, client.Rejected, client.Cancelled, client.NeedsAttention} {
		if _, asked, _, err := wait(t, time.Minute, found(status)); err != nil || asked != 1 {
			t.Errorf("%s: %v after %d polls", status, err, asked)
		}
	}
}

func TestWaitRetriesTemporaryFailuresAfterRetryAfter(t *testing.T) {
	seen, asked, took, err := wait(t, time.Minute, found("PENDING"), failed(503), refused, found("CONFIRMED"))
	if err != nil || len(seen) != 2 || asked != 4 || took != 2500*time.Millisecond {
		t.Errorf("%v after %d polls in %s, %v", seen, asked, took, err)
	}
}

func TestWaitGivesUpAfterTooManyFailures(t *testing.T) {
	_, asked, _, err := wait(t, time.Hour, refused)
	var down *net.OpError
	if asked != 20 || !errors.As(err, &down) {
		t.Errorf("%v after %d polls", err, asked)
	}
}

func TestWaitEndsWithAPermanentProblem(t *testing.T) {
	_, asked, _, err := wait(t, time.Minute, found("PENDING"), failed(404))
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != 404 || asked != 2 {
		t.Errorf("%v after %d polls", err, asked)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	_, _, took, err := wait(t, 10*time.Second, found("PENDING"))
	if !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second ||
		err.Error() != "order "+order+" is still PENDING: context deadline exceeded" {
		t.Errorf("%v after %s", err, took)
	}
}
