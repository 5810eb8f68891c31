package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"time"
)

// patience is the time limit for the first poll, far more than Lambda's.
const patience = 10 * time.Second

// A Sample is one start of a process.
type Sample struct {
	// Wall is the time from exec to the first poll of the Runtime API.
	Wall time.Duration
	// CPU is the process's CPU time until then, user and system, on all processors.
	CPU time.Duration
}

// runtimeAPI is the Runtime API of Lambda
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), up to the first poll, which it
// never answers.
type runtimeAPI struct {
	*httptest.Server
	polls    chan time.Time
	patience time.Duration
}

func listen() *runtimeAPI {
	api := &runtimeAPI{polls: make(chan time.Time, 1), patience: patience}
	api.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		now := time.Now()
		if r.Method == http.MethodGet && r.URL.Path == "/2018-06-01/runtime/invocation/next" {
			select {
			case api.polls <- now:
			default: // a second poll of the same process
			}
		}
		<-r.Context().Done() // the client is gone; until then it gets no error
	}))
	return api
}

// start runs program until its first poll of the API, and then ends it. Its environment is env and
// the variables that Lambda sets.
func (api *runtimeAPI) start(ctx context.Context, program string, env map[string]string) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, api.patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(strings.Fields(ofLambda), "AWS_LAMBDA_RUNTIME_API="+api.Listener.Addr().String())
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Sample{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case polled := <-api.polls:
		_ = cmd.Process.Kill() // fails only if it has ended
		if err := <-ended; err == nil {
			return Sample{}, fmt.Errorf("%s: ended without a poll", program)
		}
		state := cmd.ProcessState
		return Sample{Wall: polled.Sub(began), CPU: state.UserTime() + state.SystemTime()}, nil
	case err := <-ended:
		if ctx.Err() != nil {
			err = fmt.Errorf("no poll of the Runtime API: %w", context.Cause(ctx))
		}
		return Sample{}, fmt.Errorf("%s: ended with %w\n%s", program, err, out.Bytes())
	}
}

// ofLambda are the variables that Lambda sets for every function. A start makes no calls, so
// nothing listens at the endpoint.
const ofLambda = `AWS_LAMBDA_FUNCTION_NAME=bench AWS_LAMBDA_FUNCTION_VERSION=$LATEST AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256
	AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/bench AWS_LAMBDA_LOG_STREAM_NAME=bench
	AWS_LAMBDA_INITIALIZATION_TYPE=on-demand AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
	AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench AWS_SESSION_TOKEN=bench AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:9
	AWS_XRAY_CONTEXT_MISSING=LOG_ERROR AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023 _HANDLER=bootstrap
	LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=en_US.UTF-8 TZ=:UTC
	PATH=/usr/local/bin:/usr/bin:/bin AWS_ENDPOINT_URL=http://127.0.0.1:9`
