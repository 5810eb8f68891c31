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

// RestartProcesses gives functions of the stack, such as authorize-payment, new processes, which
// remember nothing, as a deployment does. It returns when the new ones have replaced the old.
func (s *Stack) RestartProcesses(ctx context.Context, functions ...string) error {
	for _, function := range functions {
		if err := s.Configure(ctx, function, nil); err != nil {
			return err
		}
	}
	return nil
}

// Configure changes variables of a function's environment and leaves the others as they are. It
// gives the function new processes, as RestartProcesses does.
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

// settled waits until a function's new configuration has taken the place of the old one: until then
// an invocation may still be given to a process of before.
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
				return fmt.Errorf("the configuration of %s is still being changed: %w", function, err)
			}
		case "Failed":
			return fmt.Errorf("configure %s: %s", function, is.LastUpdateStatusReason)
		default:
			return nil
		}
	}
}
