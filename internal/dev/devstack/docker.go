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
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
)

// docker is a client of the few calls of Docker's API that are needed here. Docker's own client
// module is large, and the docker command may be missing although an engine runs.
type docker struct {
	host string // the value of DOCKER_HOST
	base string
	http *http.Client
}

// dockerAt returns a client of an engine at unix:///run/docker.sock or tcp://127.0.0.1:2375.
func dockerAt(host string) (docker, error) {
	u, err := url.Parse(host)
	if err != nil {
		return docker{}, err
	}
	switch u.Scheme {
	case "unix":
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
		return docker{host: host, base: "http://docker",
			http: &http.Client{Transport: &http.Transport{DialContext: dial}}}, nil
	case "tcp":
		return docker{host: host, base: "http://" + u.Host, http: &http.Client{}}, nil
	}
	return docker{}, fmt.Errorf("%s starts with neither unix:// nor tcp://", host)
}

// ping fails unless an engine answers within two seconds.
func (d docker) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return d.call(ctx, http.MethodGet, "/_ping", nil)
}

// call makes a request and decodes the answer into out, if that is not nil.
func (d docker) call(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := d.http.Do(req)
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

// hasImage reports whether the engine has an image of that name.
func (d docker) hasImage(ctx context.Context, name string) (bool, error) {
	err := d.call(ctx, http.MethodGet, "/images/"+name+"/json", nil)
	if awsapi.Failed(err, "HTTP 404") {
		return false, nil
	}
	return err == nil, err
}

// gateway returns the address of this machine in the engine's default network.
func (d docker) gateway(ctx context.Context) (string, error) {
	var network struct {
		IPAM struct{ Config []struct{ Gateway string } }
	}
	if err := d.call(ctx, http.MethodGet, "/networks/bridge", &network); err != nil {
		return "", err
	}
	for _, c := range network.IPAM.Config {
		if ip := net.ParseIP(c.Gateway); ip != nil && ip.To4() != nil {
			return c.Gateway, nil
		}
	}
	return "", errors.New("the network bridge has no gateway")
}

// functionContainers returns the containers in which the SAM CLI runs functions, by id, with the
// directories that each mounts.
func (d docker) functionContainers(ctx context.Context) (map[string][]string, error) {
	var list []struct {
		ID     string `json:"Id"`
		Mounts []struct{ Source string }
	}
	query := url.Values{"all": {"1"}, "filters": {`{"label":["sam.cli.container.type=lambda"]}`}}
	if err := d.call(ctx, http.MethodGet, "/containers/json?"+query.Encode(), &list); err != nil {
		return nil, err
	}
	containers := map[string][]string{}
	for _, c := range list {
		containers[c.ID] = []string{}
		for _, m := range c.Mounts {
			containers[c.ID] = append(containers[c.ID], m.Source)
		}
	}
	return containers, nil
}

// removeContainer ends and removes a container. It succeeds if the container is gone or being
// removed.
func (d docker) removeContainer(ctx context.Context, id string) error {
	err := d.call(ctx, http.MethodDelete, "/containers/"+id+"?force=1&v=1", nil)
	if awsapi.Failed(err, "HTTP 404") || awsapi.Failed(err, "HTTP 409") {
		return nil
	}
	return err
}
