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

// localStack is LocalStack's free edition without containers, installed and run by .ci/localstack.
// It has no Cognito, ignores authorizers and does not enforce IAM.
type localStack struct{}

func (r Repo) localStackProgram() string { return r.Path(".ci", "localstack", "localstack") }

// setup installs DynamoDB Local, which holds LocalStack's tables, and then LocalStack.
func (localStack) setup(ctx context.Context, r Repo, rep *Reporter) error {
	if err := r.setupDynamoDBLocal(ctx, rep); err != nil {
		return err
	}
	return rep.Do("install LocalStack",
		func() error { return command{name: r.localStackProgram(), args: []string{"setup"}}.run(ctx) })
}

func (localStack) adapt(opts *Options) error {
	if opts.Discovery == "cloud-map" {
		return errors.New("LocalStack has no Cloud Map: unset DISCOVERY")
	}
	opts.NoAuthorizer = true
	return nil
}

func (localStack) command(r Repo, e *Emulator, port int) (argv, env []string, err error) {
	files := e.files()
	return []string{r.localStackProgram(), "run"}, []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + filepath.Join(files, "home"), "TMPDIR=" +
			filepath.Join(files, "tmp"),
		"ORDERFLOW_PORT=" + strconv.Itoa(port), "ORDERFLOW_NAME=" + e.Name,
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
		return nil, fmt.Errorf("read the inbox: %w", err)
	}
	var mails []Mail
	for _, m := range answer.Messages {
		mails = append(mails, Mail{To: m.Destination.ToAddresses, Subject: m.Subject, Text: m.Body.Text})
	}
	return mails, nil
}

// scaleWaits changes the state machines' definitions, as LocalStack has no setting for it.
func (localStack) scaleWaits(ctx context.Context, s *Stack, scale float64) error {
	for _, machine := range []string{"FulfilOrderArn", "CompensateOrderArn"} {
		arn := s.Outputs[machine]
		if s.defined[arn] == "" { // as deployed
			var is struct{ Definition string }
			if err := s.Emulator.callJSON(ctx, "states", "AWSStepFunctions.DescribeStateMachine",
				map[string]string{"stateMachineArn": arn}, &is); err != nil {
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

// scaledWaits returns a state machine's definition with scaled retry waits, in whole seconds, at
// least one.
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
					// the maximum must be larger
					least := map[string]float64{"IntervalSeconds": 1, "MaxDelaySeconds": 2}[name]
					node[name] = max(least, math.Round(seconds*scale))
				}
			}
		}
	}
	visit(machine)
	scaled, err := json.Marshal(machine)
	return string(scaled), err
}
