package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

// rpcName names the files of the stack's native RPC process, which is cmd/rpc.
const rpcName = "rpc"

func (r Repo) rpcBinary() string { return r.Path(".build", rpcName) }

func (r Repo) buildRPC(ctx context.Context) error {
	return command{dir: string(r), name: "go",
		args: []string{"build", "-ldflags=-s -w", "-o", r.rpcBinary(), "./cmd/rpc"},
		env:  environ("GOFLAGS="+GoFlags, "CGO_ENABLED=0")}.run(ctx)
}

// RPCProcess is a native RPC process of a stack.
type RPCProcess struct {
	// Target is its host and port; it speaks HTTP/2 in clear text.
	Target string
	server *Server
}

// StartRPC starts another native RPC process, whose files are in a directory of its own. A running
// one there is replaced if its binary or its environment has changed.
func (s *Stack) StartRPC(ctx context.Context, dir string) (*RPCProcess, error) {
	c, err := s.configuration(ctx, "orderflow-serve-rpc")
	if err != nil {
		return nil, err
	}
	env := maps.Clone(c.Environment.Variables)
	maps.Copy(env, map[string]string{
		"AWS_ENDPOINT_URL": s.Emulator.URL, "AWS_REGION": Region, "AWS_ACCESS_KEY_ID": AccessKey,
		"AWS_SECRET_ACCESS_KEY": SecretKey, "TRACES_URL": s.TracesURL, "HOME": dir,
	})
	var all []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	binary, err := os.ReadFile(s.repo.rpcBinary())
	if err != nil {
		return nil, err
	}
	// Each process has its own copy: another build must not change what runs.
	own := filepath.Join(dir, rpcName+".bin")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.RemoveAll(own), os.WriteFile(own, binary, 0o755)); err != nil {
		return nil, err
	}
	key := sha256.Sum256(append(binary, strings.Join(all, "\n")...))
	server, _, err := Serve(ctx, dir, Program{
		Name: rpcName,
		Argv: func(port int) []string {
			address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
			return []string{own, "-listen", address, "-notice", "0s", "-drain", "3s"}
		},
		Env: all, Key: hex.EncodeToString(key[:]), Ready: serving, Limit: 20 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return &RPCProcess{Target: server.Address(), server: server}, nil
}

// Stop ends the process as ECS does, by SIGTERM. It returns when it has ended.
func (p *RPCProcess) Stop() error { return p.server.Stop() }

// Log returns what the process has logged and measured.
func (p *RPCProcess) Log() ([]byte, error) { return p.server.Log() }

// clearText speaks HTTP/2 without TLS.
var clearText = func() *http.Client {
	t := &http.Transport{Protocols: new(http.Protocols)}
	t.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: t}
}()

// serving reports whether a gRPC server says that it serves.
func serving(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	health, err := grpchealth.NewClient(clearText, url, connect.WithGRPC()).Check(ctx, &grpchealth.CheckRequest{})
	return err == nil && health.Status == grpchealth.StatusServing
}
