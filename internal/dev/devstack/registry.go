package devstack

import "context"

// Forget takes the address of a service or third party, such as carrier, out of the registry, as if it had never been
// deployed. restore puts it back.
func (s *Stack) Forget(ctx context.Context, service string) (restore func(context.Context) error, err error) {
	name := "/orderflow/" + Stage + "/services/" + service
	var kept struct{ Parameter struct{ Value string } }
	if err := s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": name}, &kept); err != nil {
		return nil, err
	}
	restore = func(ctx context.Context) error {
		in := map[string]any{"Name": name, "Value": kept.Parameter.Value, "Type": "String", "Overwrite": true}
		return s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.PutParameter", in, nil)
	}
	return restore, s.Emulator.callJSON(ctx, "ssm", "AmazonSSM.DeleteParameter", map[string]string{"Name": name}, nil)
}
