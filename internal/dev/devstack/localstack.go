package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// localStack is LocalStack's free edition without containers: functions run as processes by a plugin of ours (tools/localstack/plugin).
// It has no Cognito, does not act on authorizers and does not enforce IAM.
type localStack struct{}

func (localStack) setup(ctx context.Context, r Repo, rep *Reporter) error {
	return r.setupLocalStack(ctx, rep)
}

func (localStack) adapt(opts *Options) error {
	if opts.Discovery == "cloud-map" {
		return errors.New("LocalStack has no Cloud Map: leave DISCOVERY out")
	}
	opts.NoAuthorizer = true
	return nil
}

func (localStack) command(r Repo, e *Emulator, port int) (argv, env []string, err error) {
	files := e.files()
	root := filepath.Join(files, "root")
	// It looks for what it would otherwise download below the root that it is given.
	libraries := filepath.Join(root, "var", "lib", "localstack", "lib")
	if err := os.MkdirAll(filepath.Dir(libraries), 0o755); err != nil {
		return nil, nil, err
	}
	if err := os.Symlink(r.Path(".tools", "localstack-lib"), libraries); err != nil {
		return nil, nil, err
	}
	host := "127.0.0.1:" + strconv.Itoa(port)
	return []string{r.Path(".tools", "localstack", "bin", "python"), "-m", "localstack.runtime.main"}, []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		"HOME=" + filepath.Join(files, "home"), "TMPDIR=" + filepath.Join(files, "tmp"),
		"FILESYSTEM_ROOT=" + root, "LOCALSTACK_VOLUME_DIR=" + root, "OVERRIDE_IN_DOCKER=0",
		"GATEWAY_LISTEN=" + host, "LOCALSTACK_HOST=" + host, "SQS_ENDPOINT_STRATEGY=path", "DNS_ADDRESS=0",
		"PYTHONPATH=" + r.Path("tools", "localstack", "plugin") + string(filepath.ListSeparator) + r.Path("tools", "webguard"), "PYTHONPYCACHEPREFIX=" + r.Path(".tools", "localstack-lib", "pycache"), "ORDERFLOW_NAME=" + e.Name,
		"LAMBDA_RUNTIME_EXECUTOR=process",
		"DYNAMODB_IN_MEMORY=1", "PROVIDER_OVERRIDE_DYNAMODB=v2", // streams by DynamoDB Local itself, not by Kinesis
		// It waits for a second between looks at a resource that is being made, and up to ten between looks at an empty queue.
		"CFN_NO_WAIT_ITERATIONS=100", "LAMBDA_SYNCHRONOUS_CREATE=1",
		"SQS_DISABLE_CLOUDWATCH_METRICS=1",
		"LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC=0.4", "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC=1",
		// No calls to its makers, no containers, no certificate from outside.
		"DISABLE_EVENTS=1", "SKIP_SSL_CERT_DOWNLOAD=1", "DOCKER_HOST=unix://" + filepath.Join(files, "no-docker.sock"),
		"AWS_EC2_METADATA_DISABLED=true",
	}, nil
}

func (localStack) named(ctx context.Context, e *Emulator) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/_orderflow/name", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	name, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	return string(name), err
}

func (localStack) inbox(ctx context.Context, e *Emulator) ([]Mail, error) {
	var answer struct {
		Messages []struct {
			Destination struct{ ToAddresses []string }
			Subject     string
			Body        struct {
				Text string `json:"text_part"`
			}
		}
	}
	if err := get(ctx, e.URL+"/_aws/ses", &answer); err != nil {
		return nil, fmt.Errorf("read the mails: %w", err)
	}
	var mails []Mail
	for _, m := range answer.Messages {
		mails = append(mails, Mail{To: m.Destination.ToAddresses, Subject: m.Subject, Text: m.Body.Text})
	}
	return mails, nil
}

// scaleWaits changes the definitions of the state machines: LocalStack has no setting for it.
func (localStack) scaleWaits(ctx context.Context, s *Stack, scale float64) error {
	for _, machine := range []string{"FulfilOrderArn", "CompensateOrderArn"} {
		arn := s.Outputs[machine]
		if s.defined[arn] == "" { // as deployed
			var is struct{ Definition string }
			if err := s.Emulator.callJSON(ctx, "states", "AWSStepFunctions.DescribeStateMachine", map[string]string{"stateMachineArn": arn}, &is); err != nil {
				return err
			}
			if s.defined == nil {
				s.defined = map[string]string{}
			}
			s.defined[arn] = is.Definition
		}
		scaled, err := scaledWaits(s.defined[arn], scale)
		if err != nil {
			return fmt.Errorf("%s: %w", machine, err)
		}
		in := map[string]string{"stateMachineArn": arn, "definition": scaled}
		if err := s.Emulator.callJSON(ctx, "states", "AWSStepFunctions.UpdateStateMachine", in, nil); err != nil {
			return fmt.Errorf("change the waits of %s: %w", machine, err)
		}
	}
	return nil
}

// scaledWaits is a state machine's definition with the waits before retries, which are whole seconds, at least one.
func scaledWaits(definition string, scale float64) (string, error) {
	if scale == 1 {
		return definition, nil
	}
	var machine map[string]any
	decoder := json.NewDecoder(strings.NewReader(definition))
	decoder.UseNumber()
	if err := decoder.Decode(&machine); err != nil {
		return "", err
	}
	var visit func(any)
	visit = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				visit(child)
			}
		case map[string]any:
			for name, child := range node {
				number, ok := child.(json.Number)
				if !ok || name != "IntervalSeconds" && name != "MaxDelaySeconds" {
					visit(child)
					continue
				}
				seconds, err := number.Float64()
				if err == nil {
					least := map[string]float64{"IntervalSeconds": 1, "MaxDelaySeconds": 2}[name] // the longest has to be longer
					node[name] = max(least, math.Round(seconds*scale))
				}
			}
		}
	}
	visit(machine)
	scaled, err := json.Marshal(machine)
	return string(scaled), err
}
