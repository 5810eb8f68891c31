package devstack

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
)

// Target is the emulator of AWS that a stack runs on.
type Target string

// The targets; empty means MiniStack.
const (
	MiniStack  Target = "ministack"
	LocalStack Target = "localstack"
)

// product is what differs between emulators.
type product interface {
	system
	// setup installs what is missing into .tools/.
	setup(ctx context.Context, r Repo, rep *Reporter) error
	// adapt adapts the options, or fails if the emulator lacks something.
	adapt(opts *Options) error
	// command returns the emulator's program and its environment. It has nothing of the user's, as
	// functions may inherit it.
	command(r Repo, e *Emulator, port int) (argv, env []string)
	// named returns the name of the emulator that answers at e's URL.
	named(ctx context.Context, e *Emulator) (string, error)
}

// system is what differs between running systems.
type system interface {
	// inbox returns the mails sent so far.
	inbox(ctx context.Context, e *Emulator) ([]Mail, error)
	// scaleWaits multiplies the retry waits of state machines.
	scaleWaits(ctx context.Context, s *Stack, scale float64) error
	// restart replaces the processes of a function.
	restart(ctx context.Context, s *Stack, function string) error
}

var products = map[Target]product{"": miniStack{}, MiniStack: miniStack{}, LocalStack: localStack{}}

func (t Target) system() system {
	if t == OneProcess {
		return oneProcess{}
	}
	return products[t]
}

func (t Target) check() error {
	if products[t] == nil {
		return fmt.Errorf("unknown target %q: use %s or %s", t, MiniStack, LocalStack)
	}
	return nil
}

// A Mail was sent by a function.
type Mail struct {
	To            []string
	Subject, Text string
}

// Inbox returns all mails sent through the emulator.
func (e *Emulator) Inbox(ctx context.Context) ([]Mail, error) {
	return e.Target.system().inbox(ctx, e)
}

// ScaleWaits multiplies the retry waits of state machines by scale; 1 restores the definition. It
// applies to new executions.
func (s *Stack) ScaleWaits(ctx context.Context, scale float64) error {
	return s.Emulator.Target.system().scaleWaits(ctx, s, scale)
}

// miniStack is the default: it starts in two seconds, needs nothing but Python, has Cognito and
// enforces IAM.
type miniStack struct{}

func (miniStack) setup(ctx context.Context, r Repo, rep *Reporter) error {
	return rep.install(ctx, r.python("ministack"))
}

func (miniStack) adapt(*Options) error { return nil }

func (miniStack) command(r Repo, e *Emulator, port int) (argv, env []string) {
	files := e.files()
	return []string{r.Path(".tools", "ministack", "bin", "python"),
			r.Path("tools", "webguard", "ministack_guarded.py")}, []string{
			"STATE_DIR=" + filepath.Join(files, "state"), "S3_DATA_DIR=" + filepath.Join(files, "s3"),
			"BIND_HOST=127.0.0.1", "GATEWAY_PORT=" + strconv.Itoa(port), "MINISTACK_REGION=" + Region,
			"AWS_ENDPOINT_URL=" + e.URL, // otherwise functions would call AWS
			"AWS_EC2_METADATA_DISABLED=true",
			"MINISTACK_EDITION=" + e.Name,
			"AUTH=true",              // enforce IAM
			"CLOUDTRAIL_RECORDING=1", // LookupEvents lists every call
			// No listeners on fixed ports, which emulators would fight over, and no Docker, whose
			// containers it would remove.
			"SFTP_ENABLED=0", "IOT_MTLS_ENABLED=0", "DOCKER_HOST=unix://" + filepath.Join(files, "no-docker.sock"),
		}
}

func (miniStack) named(ctx context.Context, e *Emulator) (string, error) {
	var health struct{ Edition string }
	err := get(ctx, e.URL+"/_ministack/health", &health)
	return health.Edition, err
}

func (miniStack) inbox(ctx context.Context, e *Emulator) ([]Mail, error) {
	var answer struct {
		Messages map[string][]struct { // by account
			To       []string
			Subject  string
			BodyText string
		}
	}
	if err := get(ctx, e.URL+"/_ministack/ses/messages", &answer); err != nil {
		return nil, fmt.Errorf("read the inbox: %w", err)
	}
	var mails []Mail
	for _, sent := range answer.Messages {
		for _, m := range sent {
			mails = append(mails, Mail{To: m.To, Subject: m.Subject, Text: m.BodyText})
		}
	}
	return mails, nil
}

func (miniStack) restart(ctx context.Context, s *Stack, function string) error {
	return s.Configure(ctx, function, nil)
}

func (miniStack) scaleWaits(ctx context.Context, s *Stack, scale float64) error {
	err := s.Emulator.rest(ctx, "ministack", http.MethodPost, "/_ministack/config",
		map[string]float64{"stepfunctions._SFN_WAIT_SCALE": scale}, nil)
	if err != nil {
		return fmt.Errorf("scale the waits: %w", err)
	}
	return nil
}

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

func (localStack) restart(ctx context.Context, s *Stack, function string) error {
	return s.Configure(ctx, function, nil)
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
