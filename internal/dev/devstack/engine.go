package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
)

// Engine is the container engine in which the SAM CLI runs functions. It makes few calls of Docker's
// API: Docker's own client module is large, and the docker command may be missing although an engine
// runs.
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
