package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	Pass Status = "pass"
	Fail Status = "fail"
)

// Health is what a health check found.
type Health struct {
	Status Status `json:"status"`
	// Checks has an entry for everything that was asked.
	Checks []Check `json:"checks"`
}

// Check is how one service fares.
type Check struct {
	Name   Backend `json:"name"`
	Status Status  `json:"status"`
	// Detail tells what went wrong, with no address and no cause: anybody may read it.
	Detail string `json:"detail,omitempty"`
}

// CheckLiveness passes always: that it runs is the answer.
func CheckLiveness() Health { return Health{Status: Pass, Checks: []Check{}} }

// CheckReadiness tells which of the services answer. An outcome is told for CheckFresh.
func (s *Service) CheckReadiness(ctx context.Context) Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.Now().Before(s.until) {
		return s.health
	}
	health := s.check(ctx)
	if ctx.Err() == nil { // else the caller's time ended, which says nothing about the services
		s.health, s.until = health, s.clock.Now().Add(CheckFresh)
	}
	return health
}

func (s *Service) check(ctx context.Context) Health {
	ctx, cancel := bounded(ctx, CheckTimeout)
	defer cancel()
	checks := make([]Check, len(backends))
	var wg sync.WaitGroup
	for i, b := range backends {
		wg.Go(func() {
			err := s.backends.Ping(ctx, b)
			checks[i] = Check{Name: b, Status: Pass}
			if err == nil {
				return
			}
			slog.WarnContext(ctx, "a service is not ready", "service", string(b), "error", err.Error())
			checks[i].Status, checks[i].Detail = Fail, "it does not answer as it should"
			if errors.Is(err, context.DeadlineExceeded) {
				checks[i].Detail = fmt.Sprintf("no answer within %s", CheckTimeout)
			}
		})
	}
	wg.Wait()
	h := Health{Status: Pass, Checks: checks}
	for _, c := range checks {
		if c.Status == Fail {
			h.Status = Fail
		}
	}
	return h
}
