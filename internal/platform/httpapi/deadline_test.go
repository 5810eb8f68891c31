package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpapi"
)

func waiting(header string) func(*apiRequest) {
	return func(in *apiRequest) { in.Headers["X-Request-Timeout-Ms"] = header }
}

func TestRequestEndsAtTheCallersDeadline(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"1500": 1500 * time.Millisecond, "1": 250 * time.Millisecond, "249": 250 * time.Millisecond,
		"": 0, "soon": 0, "0": 0, "-5": 0, "3600000": 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			handle := func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
				end, bounded := ctx.Deadline()
				if bounded != (want > 0) || bounded && time.Until(end) != want {
					t.Errorf("%q: ends in %v, want %v", header, time.Until(end), want)
				}
				return httpapi.OK(struct{}{}), nil
			}
			if out, _ := send(t, "adjustStock", request(waiting(header)), handle); out.StatusCode != http.StatusOK {
				t.Errorf("%q: %d %s", header, out.StatusCode, out.Body)
			}
		})
	}
}

// table is a handler whose table does not answer before ctx ends.
func table(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
	<-ctx.Done()
	return httpapi.Response{}, errors.New("the table does not answer")
}

func TestExpiredCallerDeadlineIs408(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, handle := range map[string]httpapi.HandlerFunc{
			"the table": table,
			"unavailable": func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
				_, err := table(ctx, r)
				return httpapi.Response{}, fault.New(fault.Unavailable, "X", "x").Because(err)
			},
			"cut short": func(context.Context, *httpapi.Request) (httpapi.Response, error) {
				return httpapi.Response{}, deadline.ErrChosen
			},
		} {
			out, p := send(t, "adjustStock", request(waiting("1")), handle)
			if out.StatusCode != http.StatusRequestTimeout || p.Code != "DeadlineExceeded" ||
				p.Status != out.StatusCode || p.Detail == "" {
				t.Errorf("%s: %d %+v, want 408", name, out.StatusCode, p)
			}
		}
	})
}

func TestDeadlineDoesNotHideOtherErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for status, handle := range map[int]httpapi.HandlerFunc{
			// The table failed before the deadline.
			503: func(context.Context, *httpapi.Request) (httpapi.Response, error) {
				return httpapi.Response{}, errors.New("throttled")
			},
			// Refusals and defects keep their status after the deadline.
			409: func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
				_, _ = table(ctx, r)
				return httpapi.Response{}, fault.New(fault.Conflict, "X", "x")
			},
			500: func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
				_, _ = table(ctx, r)
				return httpapi.Response{}, fault.New(fault.Internal, "X", "x")
			},
		} {
			if out, _ := send(t, "adjustStock", request(waiting("1000")), handle); out.StatusCode != status {
				t.Errorf("%d %s, want %d", out.StatusCode, out.Body, status)
			}
		}
	})
}

func TestSuccessAtTheDeadlineIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handle := func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
			_, _ = table(ctx, r) // an optional part of the response
			return httpapi.OK(struct{}{}), nil
		}
		if out, _ := send(t, "adjustStock", request(waiting("1")), handle); out.StatusCode != http.StatusOK {
			t.Errorf("%d %s", out.StatusCode, out.Body)
		}
	})
}

func TestPublicOperationsIgnoreTheCallersDeadline(t *testing.T) {
	for id, in := range map[string]apiRequest{
		"checkReadiness":        {HTTPMethod: http.MethodGet, Path: "/health/ready"},
		"receiveCarrierWebhook": {HTTPMethod: http.MethodPost, Path: "/v1/webhooks/carrier"},
	} {
		in.Headers = map[string]string{}
		waiting("1")(&in)
		wantNoDeadline := func(ctx context.Context) {
			if _, bounded := ctx.Deadline(); bounded {
				t.Errorf("%s has a deadline", id)
			}
		}
		verify := func(ctx context.Context, _ http.Header, _ []byte) error {
			wantNoDeadline(ctx)
			return nil
		}
		handle := func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			wantNoDeadline(ctx)
			return httpapi.Response{}, errors.New("handled")
		}
		answer(t, httpapi.HandleVerified(id, verify, handle), in)
	}
}
