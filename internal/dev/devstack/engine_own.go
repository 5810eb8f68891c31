package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ownEngine is a container engine of our own, in a directory of its own: its bridge, socket and data are nobody else's.
type ownEngine struct {
	Process process `json:"process"`
	Bridge  string  `json:"bridge"`
	dir     string
	env     []string
}

// engineDirs is what the directories of engines are called. They are in the temporary directory, since the path of a socket has 107
// characters at most.
const engineDirs = "orderflow-engine-"

// engineLimit bounds the wait for the engine; it takes about a second.
const engineLimit = 60 * time.Second

func (r Repo) startOwnEngine(ctx context.Context, rep *Reporter) (*Engine, error) {
	if err := sweepEngines(ctx); err != nil {
		return nil, err
	}
	root, err := r.setupEngine(ctx, rep)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", engineDirs)
	if err != nil {
		return nil, err
	}
	own := &ownEngine{dir: dir, env: engineEnviron(root)}
	if err := claim(dir); err != nil {
		return nil, err
	}
	e := &Engine{own: own}
	err = rep.Do("start a container engine", func() (err error) {
		if e.docker, err = dockerAt("unix://" + filepath.Join(dir, "docker.sock")); err != nil {
			return err
		}
		if e.Gateway, err = own.bridge(ctx); err != nil {
			return err
		}
		if err := own.start(ctx, e.docker); err != nil {
			return err
		}
		return r.importRuntime(ctx, e.docker)
	})
	if err != nil {
		return nil, errors.Join(err, own.stop(ctx))
	}
	return e, nil
}

// bridge makes a network of the engine's own and returns this machine's address in it.
func (o *ownEngine) bridge(ctx context.Context) (string, error) {
	for n := range 100 {
		name, gateway := "orderflow"+strconv.Itoa(n), fmt.Sprintf("172.31.%d.1", 100+n)
		if taken(gateway) {
			continue
		}
		if err := o.ip(ctx, "link", "add", "name", name, "type", "bridge"); err != nil {
			if _, there := net.InterfaceByName(name); there == nil {
				continue
			}
			return "", fmt.Errorf("a container engine needs a network of its own: %w", err)
		}
		o.Bridge = name
		if err := o.remember(); err != nil {
			return "", err
		}
		return gateway, errors.Join(o.ip(ctx, "address", "add", gateway+"/24", "dev", name), o.ip(ctx, "link", "set", name, "up"))
	}
	return "", errors.New("100 networks of container engines are there already: see `ip link`")
}

// taken tells whether a network of this machine has the address in it.
func taken(address string) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.Contains(net.ParseIP(address)) {
			return true
		}
	}
	return false
}

// ip runs ip, of which the engine's packages bring one where the machine has none: env looks for it in the path of the engine.
func (o *ownEngine) ip(ctx context.Context, args ...string) error {
	return command{name: "env", args: append([]string{"ip"}, args...), env: o.env}.run(ctx)
}

func (o *ownEngine) start(ctx context.Context, d docker) error {
	log, err := os.Create(filepath.Join(o.dir, "dockerd.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// Without a firewall's rules containers reach this machine and nothing beyond.
	cmd := exec.Command("env", "dockerd", "--host", d.host, "--data-root", filepath.Join(o.dir, "data"), "--exec-root", filepath.Join(o.dir, "exec"),
		"--pidfile", filepath.Join(o.dir, "dockerd.pid"), "--bridge", o.Bridge, "--iptables=false", "--ip-masq=false", "--ip-forward=false",
		"--exec-opt", "native.cgroupdriver=cgroupfs")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = o.dir, o.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for this process, which ends it after its containers
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if o.Process, err = identify(cmd.Process.Pid); err == nil {
		err = o.remember()
	}
	if err != nil {
		return errors.Join(err, endGroup(cmd.Process.Pid, time.Second))
	}
	waiting, cancel := context.WithTimeoutCause(ctx, engineLimit, fmt.Errorf("no answer within %s", engineLimit))
	defer cancel()
	for d.ping(waiting) != nil {
		select {
		case end := <-ended:
			err = fmt.Errorf("it ended at once (%v)", end) //nolint:errorlint // nil where it ended well
		case <-waiting.Done():
			err = context.Cause(waiting)
		case <-time.After(50 * time.Millisecond):
			continue
		}
		output, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the container engine did not start: %w; the end of what it said:\n%s", err, tail(output, 15))
	}
	return nil
}

func (o *ownEngine) remember() error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(o.dir, "engine.json"), data, 0o644)
}

// stop ends the engine, whatever it runs, and removes its network and files, also when ctx has ended.
func (o *ownEngine) stop(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if o.Process.alive() {
		if d, dialErr := dockerAt("unix://" + filepath.Join(o.dir, "docker.sock")); dialErr == nil {
			containers, listErr := d.functionContainers(ctx)
			err = errors.Join(err, listErr)
			for id := range containers {
				err = errors.Join(err, d.removeContainer(ctx, id))
			}
		}
		err = errors.Join(err, endGroup(o.Process.PID, 15*time.Second))
	}
	if _, there := net.InterfaceByName(o.Bridge); o.Bridge != "" && there == nil {
		err = errors.Join(err, o.ip(ctx, "link", "delete", o.Bridge))
	}
	return errors.Join(err, o.unmount(ctx), os.RemoveAll(o.dir))
}

// unmount takes away what an engine that was killed has left mounted.
func (o *ownEngine) unmount(ctx context.Context) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], o.dir+"/") {
			err = errors.Join(err, command{name: "umount", args: []string{"--lazy", fields[1]}}.run(ctx))
		}
	}
	return err
}

// sweepEngines ends the engines of earlier runs that were killed before they could.
func sweepEngines(ctx context.Context) error {
	dirs, err := abandoned(filepath.Join(os.TempDir(), engineDirs+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		o := &ownEngine{dir: dir, env: os.Environ()}
		data, err := os.ReadFile(filepath.Join(dir, "engine.json"))
		if err == nil {
			err = json.Unmarshal(data, o)
		}
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		if err := errors.Join(err, o.stop(ctx)); err != nil {
			return err
		}
	}
	return nil
}
