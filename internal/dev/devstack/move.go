package devstack

import (
	"context"
	"errors"
	"fmt"

	"orderflow/internal/ops/awsapi"
)

// Move tells the registry where a service is from now on, such as payment-provider. Functions that know an address keep it for a
// while: see Renew. It fails where the registry is Cloud Map.
func (s *Stack) Move(ctx context.Context, service, address string) error {
	name := "/orderflow/" + Stage + "/services/" + service
	err := s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.GetParameter", map[string]any{"Name": name}, nil)
	if awsapi.Failed(err, "ParameterNotFound") {
		return errors.New("this stack's registry has no parameter " + name + ": bring it up by `make up`, which has one")
	}
	if err == nil {
		err = s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.PutParameter", map[string]any{"Name": name, "Value": address, "Overwrite": true}, nil)
	}
	if err != nil {
		return fmt.Errorf("move %s to %s: %w", service, address, err)
	}
	return nil
}
