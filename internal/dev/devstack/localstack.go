package devstack

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// localStack is LocalStack's free edition without containers, installed and run by .ci/localstack.
// It has no Cognito, ignores authorizers and does not enforce IAM.
type localStack struct{}

func (r Repo) localStackProgram() string { return r.Path(".ci", "localstack", "localstack") }

// setup installs DynamoDB Local, which holds LocalStack's tables, and then LocalStack.
func (localStack) setup(ctx context.Context, r Repo, rep *Reporter) error {
	if err := rep.install(ctx, r.dynamoDBLocal()); err != nil {
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

func (localStack) command(r Repo, e *Emulator, port int) (argv, env []string) {
	return []string{r.localStackProgram(), "run"},
		[]string{"ORDERFLOW_PORT=" + strconv.Itoa(port), "ORDERFLOW_NAME=" + e.Name}
}

func (localStack) named(ctx context.Context, e *Emulator) (string, error) {
	name, err := fetch(ctx, e.URL+"/_orderflow/name")
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
			if err := s.Emulator.api().JSON(ctx, "states", "AWSStepFunctions.DescribeStateMachine",
				map[string]string{"stateMachineArn": arn}, &is); err != nil {
				return err
			}
			if s.defined == nil {
				s.defined = map[string]string{}
			}
			s.defined[arn] = is.Definition
		}
		in := map[string]string{"stateMachineArn": arn, "definition": scaledWaits(s.defined[arn], scale)}
		if err := s.Emulator.api().JSON(ctx, "states", "AWSStepFunctions.UpdateStateMachine", in, nil); err != nil {
			return fmt.Errorf("change the waits of %s: %w", machine, err)
		}
	}
	return nil
}

var retryWait = regexp.MustCompile(`"(IntervalSeconds|MaxDelaySeconds)":\s*([0-9.]+)`)

// scaledWaits returns a state machine's definition with scaled retry waits, in whole seconds, at
// least one; the maximum must be larger.
func scaledWaits(definition string, scale float64) string {
	if scale == 1 {
		return definition
	}
	return retryWait.ReplaceAllStringFunc(definition, func(match string) string {
		m := retryWait.FindStringSubmatch(match)
		seconds, _ := strconv.ParseFloat(m[2], 64)
		least := map[string]float64{"IntervalSeconds": 1, "MaxDelaySeconds": 2}[m[1]]
		return fmt.Sprintf("%q:%.0f", m[1], max(least, math.Round(seconds*scale)))
	})
}
