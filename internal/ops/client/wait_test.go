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

// reply is an answer, or the failure to get one.
type reply struct {
	status int
	body   string
	err    error
}

// script answers requests one after the other, the last of its replies for ever.
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
	return &http.Response{StatusCode: r.status, Header: http.Header{"Retry-After": {"2"}}, Body: io.NopCloser(strings.NewReader(r.body))}, nil
}

func says(status int) reply { return reply{status: status} }

func is(status string) reply {
	return reply{status: http.StatusOK, body: `{"status":"` + status + `"}`}
}

var refused = reply{err: &net.OpError{Op: "dial", Err: errors.New("refused")}}

// wait waits for an order in a bubble whose time passes at once.
func wait(t *testing.T, limit time.Duration, replies ...reply) (seen []string, asked int, took time.Duration, err error) {
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

func TestWaitTellsEveryChangeOnce(t *testing.T) {
	seen, asked, took, err := wait(t, time.Minute, is("PENDING"), is("PENDING"), is("PENDING"), is("CONFIRMED"))
	if err != nil || !slices.Equal(seen, []string{"PENDING", "CONFIRMED"}) || asked != 4 || took != 750*time.Millisecond {
		t.Errorf("%v after %d looks in %s, %v", seen, asked, took, err)
	}
}

func TestEveryStateButPendingIsFinal(t *testing.T) {
	for _, status := range []string{client.Confirmed, client.Rejected, client.Cancelled, client.NeedsAttention} {
		if _, asked, _, err := wait(t, time.Minute, is(status)); err != nil || asked != 1 {
			t.Errorf("%s: %v after %d looks", status, err, asked)
		}
	}
}

func TestWaitOutlivesFaultsAndWaitsAsLongAsAsked(t *testing.T) {
	seen, asked, took, err := wait(t, time.Minute, is("PENDING"), says(503), refused, is("CONFIRMED"))
	if err != nil || len(seen) != 2 || asked != 4 || took != 2500*time.Millisecond {
		t.Errorf("%v after %d looks in %s, %v", seen, asked, took, err)
	}
}

func TestWaitGivesUpOnWhatStaysBroken(t *testing.T) {
	_, asked, _, err := wait(t, time.Hour, refused)
	var down *net.OpError
	if asked != 20 || !errors.As(err, &down) {
		t.Errorf("%v after %d looks", err, asked)
	}
}

func TestWaitEndsWithADecision(t *testing.T) {
	_, asked, _, err := wait(t, time.Minute, is("PENDING"), says(404))
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != 404 || asked != 2 {
		t.Errorf("%v after %d looks", err, asked)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	_, _, took, err := wait(t, 10*time.Second, is("PENDING"))
	if !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second || err.Error() != "order "+order+" is still PENDING: context deadline exceeded" {
		t.Errorf("%v after %s", err, took)
	}
}
