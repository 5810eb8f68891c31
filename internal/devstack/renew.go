package devstack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
)

// Renew gives functions of the stack, such as authorize-payment, new processes, which remember nothing, as a deployment does. The
// emulator ends the old ones at once, at work or not.
func (s *Stack) Renew(ctx context.Context, functions ...string) error {
	for _, function := range functions {
		if err := s.Configure(ctx, function, nil); err != nil {
			return err
		}
	}
	return nil
}

// Configure changes variables of a function's environment and leaves the others as they are. It gives the function new
// processes, as Renew does.
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
	return nil
}
