package devstack

import (
	"context"
	"errors"
	"fmt"

	"orderflow/internal/ops/awsapi"
)

// SetAddress sets the address of a service or third party, such as payment-provider, in the
// registry. Functions cache addresses: see RestartProcesses. It fails if the registry is Cloud Map.
func (s *Stack) SetAddress(ctx context.Context, service, address string) error {
	name := "/orderflow/" + Stage + "/services/" + service
	err := s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.GetParameter", map[string]any{"Name": name}, nil)
	if awsapi.Failed(err, "ParameterNotFound") {
		return errors.New("this stack's registry has no parameter " + name +
			": it needs DISCOVERY=parameters, the default of `make up`")
	}
	if err == nil {
		err = s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.PutParameter",
			map[string]any{"Name": name, "Value": address, "Overwrite": true}, nil)
	}
	if err != nil {
		return fmt.Errorf("set the address of %s to %s: %w", service, address, err)
	}
	return nil
}

// RemoveAddress removes the address of a service or third party, such as carrier, from the
// registry. restore puts it back.
func (s *Stack) RemoveAddress(ctx context.Context, service string) (restore func(context.Context) error, err error) {
	name := "/orderflow/" + Stage + "/services/" + service
	var kept struct{ Parameter struct{ Value string } }
	if err := s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": name},
		&kept); err != nil {
		return nil, err
	}
	restore = func(ctx context.Context) error {
		in := map[string]any{"Name": name, "Value": kept.Parameter.Value, "Type": "String", "Overwrite": true}
		return s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.PutParameter", in, nil)
	}
	return restore, s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.DeleteParameter", map[string]string{"Name": name}, nil)
}
