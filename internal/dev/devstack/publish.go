package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
)

// Publish makes the stack's emulator, which listens on 127.0.0.1, reachable for containers at
// another address of this machine, and returns its URL there. The registry's addresses are changed
// to it. unpublish stops listening.
func (s *Stack) Publish(ctx context.Context, address string) (endpoint string, unpublish func() error, err error) {
	from, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(portOf(s.Emulator.URL))))
	if err != nil {
		return "", nil, err
	}
	go forward(from, strings.TrimPrefix(s.Emulator.URL, "http://"))
	endpoint = "http://" + from.Addr().String()
	if err := s.readdress(ctx, endpoint); err != nil {
		return "", nil, errors.Join(err, from.Close())
	}
	return endpoint, from.Close, nil
}

// forward forwards every request to another address until the listener is closed.
func forward(from net.Listener, to string) {
	proxy := httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: to})
		r.Out.Host = r.In.Host // it is signed
	}}
	server := http.Server{Handler: &proxy, ReadHeaderTimeout: 10 * time.Second}
	_ = server.Serve(from) // ends with the listener
}

// parameter is the name of the address of a service or third party in the registry.
func parameter(service string) string { return "/orderflow/" + Stage + "/services/" + service }

func (e *Emulator) ssm(ctx context.Context, operation string, in, out any) error {
	return e.api().JSON(ctx, "ssm", "AmazonSSM."+operation, in, out)
}

func (e *Emulator) putParameter(ctx context.Context, name, value string) error {
	return e.ssm(ctx, "PutParameter", map[string]any{"Name": name, "Value": value, "Type": "String", "Overwrite": true},
		nil)
}

// readdress replaces the emulator's URL in the registry.
func (s *Stack) readdress(ctx context.Context, endpoint string) error {
	var services struct {
		Parameters []struct{ Name, Value string }
	}
	if err := s.Emulator.ssm(ctx, "GetParametersByPath", map[string]any{"Path": parameter(""), "MaxResults": 10},
		&services); err != nil {
		return err
	}
	if len(services.Parameters) == 0 {
		return errors.New("the registry has no parameters")
	}
	for _, p := range services.Parameters {
		value := strings.Replace(p.Value, s.Emulator.URL, endpoint, 1)
		if err := s.Emulator.putParameter(ctx, p.Name, value); err != nil {
			return err
		}
	}
	return nil
}

// address reads the address of a service or third party in the registry. It fails if the registry
// is Cloud Map.
func (s *Stack) address(ctx context.Context, service string) (string, error) {
	var kept struct{ Parameter struct{ Value string } }
	err := s.Emulator.ssm(ctx, "GetParameter", map[string]string{"Name": parameter(service)}, &kept)
	if awsapi.Failed(err, "ParameterNotFound") {
		err = fmt.Errorf("this stack's registry has no parameter %s: it needs DISCOVERY=parameters, "+
			"the default of `make up`", parameter(service))
	}
	return kept.Parameter.Value, err
}

// SetAddress sets the address of a service or third party, such as payment-provider, in the
// registry. Functions cache addresses: see RestartProcesses.
func (s *Stack) SetAddress(ctx context.Context, service, address string) error {
	_, err := s.address(ctx, service)
	if err == nil {
		err = s.Emulator.putParameter(ctx, parameter(service), address)
	}
	if err != nil {
		return fmt.Errorf("set the address of %s to %s: %w", service, address, err)
	}
	return nil
}

// RemoveAddress removes the address of a service or third party, such as carrier, from the
// registry. restore puts it back.
func (s *Stack) RemoveAddress(ctx context.Context, service string) (restore func(context.Context) error, err error) {
	kept, err := s.address(ctx, service)
	if err != nil {
		return nil, err
	}
	restore = func(ctx context.Context) error { return s.Emulator.putParameter(ctx, parameter(service), kept) }
	return restore, s.Emulator.ssm(ctx, "DeleteParameter", map[string]string{"Name": parameter(service)}, nil)
}
