package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Engine is a container engine, in which the SAM CLI runs functions.
type Engine struct {
	// Gateway is the address by which containers reach this machine.
	Gateway string
	docker  docker
}

// defaultDocker is where an engine is if DOCKER_HOST does not say.
const defaultDocker = "unix:///var/run/docker.sock"

// FindEngine returns the engine that DOCKER_HOST names, or the one at Docker's usual socket.
func FindEngine(ctx context.Context, rep *Reporter) (*Engine, error) {
	host := os.Getenv("DOCKER_HOST")
	named := host != ""
	if !named {
		host = defaultDocker
	}
	d, err := dockerAt(host)
	if err == nil {
		err = d.ping(ctx)
	}
	switch {
	case err != nil && named:
		return nil,
			fmt.Errorf("no container engine answers at %s, which DOCKER_HOST names: start it, or unset DOCKER_HOST: %w",
				host, err)
	case err != nil:
		return nil, Lacking(fmt.Sprintf("sam local needs containers: start Docker or set DOCKER_HOST (%v)", err))
	}
	gateway, err := d.gateway(ctx)
	if err != nil {
		return nil, fmt.Errorf("the container engine at %s: %w", host, err)
	}
	// Functions call the emulator, which is on this machine.
	l, err := net.Listen("tcp", net.JoinHostPort(gateway, "0"))
	if err != nil {
		return nil,
			fmt.Errorf("containers of the engine at %s would call this machine by %s, which is not its address; an engine on this machine is needed: %w", host, gateway, err)
	}
	rep.Printf("  ✓ the container engine at %s is used\n", host)
	return &Engine{docker: d, Gateway: gateway}, l.Close()
}

// The image in which SAM runs functions of the runtime provided.al2023.
const imageRepository = "public.ecr.aws/lambda/provided"

func imageTag() string { return "al2023-rapid-" + HostArchitecture() }

// Environ is what the SAM CLI needs to use the engine, as NAME=value.
func (e *Engine) Environ() []string { return []string{"DOCKER_HOST=" + e.docker.host} }

// SkipsPull tells whether SAM can do without the registry: its image is there. Otherwise it fetches
// its base from the registry and makes it, which it does for each caller of several that come at
// once.
func (e *Engine) SkipsPull(ctx context.Context) (bool, error) {
	return e.docker.hasImage(ctx, imageRepository+":"+imageTag())
}

// RemoveContainers ends what the SAM CLI has left of containers with code under a directory, and
// returns how many these were. It leaves them where it is ended itself.
func (e *Engine) RemoveContainers(ctx context.Context, dir string) (int, error) {
	containers, err := e.docker.functionContainers(ctx)
	if err != nil {
		return 0, err
	}
	removed := 0
	for id, mounts := range containers {
		for _, m := range mounts {
			if strings.HasPrefix(m, dir+string(filepath.Separator)) {
				removed++
				err = errors.Join(err, e.docker.removeContainer(ctx, id))
				break
			}
		}
	}
	return removed, err
}
