package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
)

// Engine is the container engine in which the SAM CLI runs functions. Docker's own client module is
// large, and the docker command may be missing although an engine runs.
type Engine struct {
	// Gateway is this machine's address for containers.
	Gateway string

	host string // the value of DOCKER_HOST
	base string
	http http.Client
}

// defaultDocker is the engine's address without DOCKER_HOST.
const defaultDocker = "unix:///var/run/docker.sock"

// FindEngine returns the engine that DOCKER_HOST names, or the one at Docker's usual socket.
func FindEngine(ctx context.Context, rep *Reporter) (*Engine, error) {
	host := os.Getenv("DOCKER_HOST")
	named := host != ""
	if !named {
		host = defaultDocker
	}
	e, err := engineAt(host)
	if err == nil {
		ping, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		err = e.call(ping, http.MethodGet, "/_ping", nil)
	}
	switch {
	case err != nil && named:
		return nil,
			fmt.Errorf("no container engine answers at %s (from DOCKER_HOST): start it, or unset DOCKER_HOST: %w",
				host, err)
	case err != nil:
		return nil, Lacking(fmt.Sprintf("sam local needs containers: start Docker or set DOCKER_HOST (%v)", err))
	}
	if e.Gateway, err = e.gateway(ctx); err != nil {
		return nil, fmt.Errorf("the container engine at %s: %w", host, err)
	}
	// Functions call the emulator, which is on this machine.
	l, err := net.Listen("tcp", net.JoinHostPort(e.Gateway, "0"))
	if err != nil {
		return nil,
			fmt.Errorf("the engine at %s is on another machine (gateway %s): use a local one: %w", host, e.Gateway, err)
	}
	rep.Printf("  ✓ using the container engine at %s\n", host)
	return e, l.Close()
}

// engineAt returns the engine at unix:///run/docker.sock or tcp://127.0.0.1:2375.
func engineAt(host string) (*Engine, error) {
	u, err := url.Parse(host)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "unix":
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
		return &Engine{host: host, base: "http://docker",
			http: http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
	case "tcp":
		return &Engine{host: host, base: "http://" + u.Host}, nil
	}
	return nil, fmt.Errorf("%s starts with neither unix:// nor tcp://", host)
}

// call makes a request and decodes the answer into out, if that is not nil.
func (e *Engine) call(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, e.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return &awsapi.Error{Code: fmt.Sprintf("HTTP %d", resp.StatusCode), Message: strings.TrimSpace(string(answer))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// gateway returns the address of this machine in the engine's default network.
func (e *Engine) gateway(ctx context.Context) (string, error) {
	var network struct {
		IPAM struct{ Config []struct{ Gateway string } }
	}
	if err := e.call(ctx, http.MethodGet, "/networks/bridge", &network); err != nil {
		return "", err
	}
	for _, c := range network.IPAM.Config {
		if ip := net.ParseIP(c.Gateway); ip != nil && ip.To4() != nil {
			return c.Gateway, nil
		}
	}
	return "", errors.New("the network bridge has no gateway")
}

// The image of the runtime provided.al2023 in SAM.
const imageRepository = "public.ecr.aws/lambda/provided"

func imageTag() string { return "al2023-rapid-" + HostArchitecture() }

// Environ returns the SAM CLI's settings for the engine, as NAME=value.
func (e *Engine) Environ() []string { return []string{"DOCKER_HOST=" + e.host} }

// SkipsPull reports whether the engine already has SAM's image. Without it SAM pulls the base image
// and builds it, once for each concurrent caller.
func (e *Engine) SkipsPull(ctx context.Context) (bool, error) {
	err := e.call(ctx, http.MethodGet, "/images/"+imageRepository+":"+imageTag()+"/json", nil)
	if awsapi.Failed(err, "HTTP 404") {
		return false, nil
	}
	return err == nil, err
}

// RemoveContainers removes the containers that the SAM CLI, when killed, left running code under a
// directory, and returns their number.
func (e *Engine) RemoveContainers(ctx context.Context, dir string) (int, error) {
	type mount struct{ Source string }
	var containers []struct {
		ID     string `json:"Id"`
		Mounts []mount
	}
	query := url.Values{"all": {"1"}, "filters": {`{"label":["sam.cli.container.type=lambda"]}`}}
	if err := e.call(ctx, http.MethodGet, "/containers/json?"+query.Encode(), &containers); err != nil {
		return 0, err
	}
	removed := 0
	var failed error
	for _, c := range containers {
		within := func(m mount) bool { return strings.HasPrefix(m.Source, dir+string(filepath.Separator)) }
		if !slices.ContainsFunc(c.Mounts, within) {
			continue
		}
		removed++
		err := e.call(ctx, http.MethodDelete, "/containers/"+c.ID+"?force=1&v=1", nil)
		if !awsapi.Failed(err, "HTTP 404") && !awsapi.Failed(err, "HTTP 409") { // gone, or being removed
			failed = errors.Join(failed, err)
		}
	}
	return removed, failed
}

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
	proxy := httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: to})
			r.Out.Host = r.In.Host // it is signed
		},
		// Do not log a caller that goes away, such as a stopped container.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
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
