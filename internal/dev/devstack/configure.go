package devstack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"orderflow/internal/platform/clock"
)

// RestartProcesses replaces the processes of functions, such as authorize-payment, by new ones with
// empty caches, as a deployment does. It returns when the old ones are replaced.
func (s *Stack) RestartProcesses(ctx context.Context, functions ...string) error {
	for _, function := range functions {
		if err := s.Configure(ctx, function, nil); err != nil {
			return err
		}
	}
	return nil
}

// Configure changes variables of a function's environment, and keeps the others. It replaces the
// function's processes, as RestartProcesses does.
func (s *Stack) Configure(ctx context.Context, function string, changes map[string]string) error {
	path := "/2015-03-31/functions/orderflow-" + function + "/configuration"
	answer, err := s.Emulator.send(ctx, http.MethodGet, path, "lambda", http.Header{}, nil)
	if err != nil {
		return fmt.Errorf("read the configuration of %s: %w", function, err)
	}
	var configuration struct {
		Environment struct{ Variables map[string]string }
	}
	if err := json.Unmarshal(answer, &configuration); err != nil {
		return fmt.Errorf("the configuration of %s: %w", function, err)
	}
	maps.Copy(configuration.Environment.Variables, changes)
	if err := s.rest(ctx, http.MethodPut, path, "lambda", configuration); err != nil {
		return fmt.Errorf("configure %s: %w", function, err)
	}
	return s.settled(ctx, function, path)
}

// settled waits until a function's new configuration is active: until then, old processes may still
// get invocations.
func (s *Stack) settled(ctx context.Context, function, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		answer, err := s.Emulator.send(ctx, http.MethodGet, path, "lambda", http.Header{}, nil)
		if err != nil {
			return fmt.Errorf("wait for the configuration of %s: %w", function, err)
		}
		var is struct{ LastUpdateStatus, LastUpdateStatusReason string }
		if err := json.Unmarshal(answer, &is); err != nil {
			return fmt.Errorf("the configuration of %s: %w", function, err)
		}
		switch is.LastUpdateStatus {
		case "InProgress":
			if err := clock.Sleep(ctx, 50*time.Millisecond); err != nil {
				return fmt.Errorf("the configuration change of %s is still in progress: %w", function, err)
			}
		case "Failed":
			return fmt.Errorf("configure %s: %s", function, is.LastUpdateStatusReason)
		default:
			return nil
		}
	}
}
