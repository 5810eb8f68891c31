package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Engine is a container engine, in which the SAM CLI runs functions.
type Engine struct {
	// Gateway is the address by which containers reach this machine.
	Gateway string
	docker  docker
	own     *ownEngine // nil for one that was there before
}

// defaultDocker is where an engine is where DOCKER_HOST does not say.
const defaultDocker = "unix:///var/run/docker.sock"

// StartEngine returns the engine that DOCKER_HOST names, or that runs on this machine as it is. Where there is none it starts one of its
// own, which needs root on Debian or Ubuntu, installs nothing, leaves the firewall alone and ends with Stop.
func (r Repo) StartEngine(ctx context.Context, rep *Reporter) (*Engine, error) {
	host, named := os.LookupEnv("DOCKER_HOST")
	if !named || host == "" {
		host, named = defaultDocker, false
	}
	d, err := dockerAt(host)
	if err == nil {
		err = d.ping(ctx)
	}
	switch {
	case err == nil:
		return r.useEngine(ctx, rep, d)
	case named:
		return nil, fmt.Errorf("DOCKER_HOST is %s, where no container engine answers: start it, or unset DOCKER_HOST: %w", host, err)
	}
	if missing := ownEngineNeeds(); missing != "" {
		return nil, Lacking(fmt.Sprintf("sam local needs containers, and there is no engine (%v): start Docker or set DOCKER_HOST; to start one of its own it needs %s", err, missing))
	}
	own, err := r.startOwnEngine(ctx, rep)
	if err != nil && ctx.Err() == nil {
		return nil, Lacking(fmt.Sprintf("sam local needs containers: start Docker or set DOCKER_HOST; an engine of its own did not start: %v", err))
	}
	return own, err
}

// ownEngineNeeds says what an engine of our own lacks here; "" if nothing.
func ownEngineNeeds() string {
	switch {
	case runtime.GOOS != "linux":
		return "Linux"
	case os.Getuid() != 0:
		return "root"
	}
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return program + ", as on Debian and Ubuntu"
		}
	}
	return ""
}

func (r Repo) useEngine(ctx context.Context, rep *Reporter, d docker) (*Engine, error) {
	gateway, err := d.gateway(ctx)
	if err != nil {
		return nil, fmt.Errorf("the container engine at %s: %w", d.host, err)
	}
	// Functions call the emulator, which is on this machine.
	l, err := net.Listen("tcp", net.JoinHostPort(gateway, "0"))
	if err != nil {
		return nil, fmt.Errorf("containers of the engine at %s would call this machine by %s, which is not its address; an engine on this machine is needed: %w", d.host, gateway, err)
	}
	rep.Printf("  ✓ the container engine at %s is used\n", d.host)
	return &Engine{docker: d, Gateway: gateway}, l.Close()
}

// Environ is what the SAM CLI needs to use the engine, as NAME=value.
func (e *Engine) Environ() []string { return []string{"DOCKER_HOST=" + e.docker.host} }

// SkipsPull tells whether SAM can do without the registry: its image is there. Otherwise it fetches its base from the registry and makes
// it, which it does for each caller of several that come at once.
func (e *Engine) SkipsPull(ctx context.Context) (bool, error) {
	return e.docker.hasImage(ctx, imageRepository+":"+imageTag())
}

// RemoveContainers ends what the SAM CLI has left of containers with code under a directory, and returns how many these were. It
// leaves them where it is ended itself.
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

// Stop ends an engine that StartEngine has started, with all that it runs, and removes what it has written, also when ctx has ended.
// One that was there before stays.
func (e *Engine) Stop(ctx context.Context) error {
	if e.own == nil {
		return nil
	}
	return e.own.stop(ctx)
}
