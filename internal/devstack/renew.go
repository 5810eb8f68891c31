package devstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Renew gives functions of the stack, such as authorize-payment, new processes, which remember nothing, as a deployment does. The
// emulator ends the old ones at once, at work or not.
func (s *Stack) Renew(ctx context.Context, functions ...string) error {
	for _, function := range functions {
		path := "/2015-03-31/functions/orderflow-" + function + "/configuration"
		answer, err := s.Emulator.send(ctx, http.MethodGet, path, "lambda", http.Header{}, nil)
		if err != nil {
			return fmt.Errorf("read the configuration of %s: %w", function, err)
		}
		// Its environment as it is: writing it is what makes the emulator start anew.
		var configuration struct{ Environment json.RawMessage }
		if err := json.Unmarshal(answer, &configuration); err != nil {
			return fmt.Errorf("the configuration of %s: %w", function, err)
		}
		if err := s.rest(ctx, http.MethodPut, path, "lambda", configuration); err != nil {
			return fmt.Errorf("renew %s: %w", function, err)
		}
	}
	return nil
}
