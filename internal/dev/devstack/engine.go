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

// Engine is the container engine in which the SAM CLI runs functions.
type Engine struct {
	// Gateway is this machine's address for containers.
	Gateway string
	docker  docker
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
	d, err := dockerAt(host)
	if err == nil {
		err = d.ping(ctx)
	}
	switch {
	case err != nil && named:
		return nil,
			fmt.Errorf("no container engine answers at %s (from DOCKER_HOST): start it, or unset DOCKER_HOST: %w",
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
			fmt.Errorf("the engine at %s is on another machine (gateway %s): use a local one: %w", host, gateway, err)
	}
	rep.Printf("  ✓ using the container engine at %s\n", host)
	return &Engine{docker: d, Gateway: gateway}, l.Close()
}

// The image of the runtime provided.al2023 in SAM.
const imageRepository = "public.ecr.aws/lambda/provided"

func imageTag() string { return "al2023-rapid-" + HostArchitecture() }

// Environ returns the SAM CLI's settings for the engine, as NAME=value.
func (e *Engine) Environ() []string { return []string{"DOCKER_HOST=" + e.docker.host} }

// SkipsPull reports whether the engine already has SAM's image. Without it SAM pulls the base image
// and builds it, once for each concurrent caller.
func (e *Engine) SkipsPull(ctx context.Context) (bool, error) {
	return e.docker.hasImage(ctx, imageRepository+":"+imageTag())
}

// RemoveContainers removes the containers that the SAM CLI, when killed, left running code under a
// directory, and returns their number.
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
