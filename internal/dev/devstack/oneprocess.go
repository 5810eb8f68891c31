package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// OneProcess is the core as one process (cmd/serve). It needs no emulator.
const OneProcess Target = "one-process"

// StartProcess builds cmd/serve and starts it as a stack of its own, with more flags. The process's
// own answers to calls of AWS replace the emulator.
func StartProcess(ctx context.Context, opts Options, flags ...string) (*Stack, error) {
	opts, err := opts.fill()
	if err != nil {
		return nil, err
	}
	if err := opts.Report.Do("build the process", func() error { return opts.Repo.buildServe(ctx) }); err != nil {
		return nil, err
	}
	return RunProcess(ctx, opts, flags...)
}

// serveName names the files of a process.
const serveName = "serve"

func (r Repo) serve() string { return r.Path(".build", serveName) }

func (r Repo) buildServe(ctx context.Context) error {
	return command{dir: string(r), name: "go", env: environ("GOFLAGS="+GoFlags, "CGO_ENABLED=0"),
		args: []string{"build", "-o", r.serve(), "./cmd/serve"}}.run(ctx)
}

// live reports whether a process answers. It does not answer before it holds the lease.
func live(ctx context.Context, url string) bool {
	_, err := fetch(ctx, url+"/health/live")
	return err == nil
}

// RunProcess starts the process that StartProcess has built, on its previous port.
func RunProcess(ctx context.Context, opts Options, flags ...string) (*Stack, error) {
	opts, err := opts.fill()
	if err != nil {
		return nil, err
	}
	server, _, err := Serve(ctx, opts.Dir, Program{
		Name: serveName,
		Argv: func(port int) []string {
			return append([]string{opts.Repo.serve(), "-dev", "-dir", opts.Dir,
				"-listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
				"-origins", strings.Join(Origins, ","), "-tracking-url", trackingURL, "-drain", "2s"}, flags...)
		},
		Ready: live,
		Env:   environ(opts.Env...),
		Limit: startLimit,
	})
	if err != nil {
		return nil, err
	}
	s := &Stack{repo: opts.Repo, dir: opts.Dir, Outputs: map[string]string{}}
	text, err := os.ReadFile(filepath.Join(opts.Dir, stackFile))
	if err == nil {
		err = json.Unmarshal(text, &s.Outputs)
	}
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	s.GRPCTarget = s.Outputs["GrpcTarget"]
	s.Emulator = &Emulator{Server: *server, Target: OneProcess, key: s.Outputs["AccessKeyId"]}
	s.Emulator.URL = s.Outputs["EndpointUrl"]
	return s, nil
}

// oneProcess has the sandbox's mailbox inside.
type oneProcess struct{}

func (oneProcess) inbox(ctx context.Context, e *Emulator) ([]Mail, error) {
	var answer struct {
		Mails []struct{ To, Subject, Text string }
	}
	err := get(ctx, strings.TrimSuffix(e.URL, "/aws")+"/sandbox/mails", &answer)
	var mails []Mail
	for _, m := range answer.Mails {
		mails = append(mails, Mail{To: []string{m.To}, Subject: m.Subject, Text: m.Text})
	}
	return mails, err
}

// restart does nothing: the process's functions cache nothing that a test changes.
func (oneProcess) restart(context.Context, *Stack, string) error { return nil }

func (oneProcess) scaleWaits(_ context.Context, _ *Stack, scale float64) error {
	if scale == 1 {
		return nil
	}
	return errors.New("the process waits as its state machines define")
}
