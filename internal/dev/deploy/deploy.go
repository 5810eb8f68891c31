// Package deploy deploys a stage to AWS: it checks what CloudFormation would refuse only halfway,
// runs the SAM CLI to build and deploy, and protects production once that has succeeded.
//
// A stack that is protected from the start cannot be rolled back if its creation fails. So the
// first deployment of production is unprotected, and a second one, which changes nothing else,
// follows at once. If the second one fails, the next deployment adds the protection, as
// samconfig.toml asks for it.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/cfn"
)

// floor is the number of concurrent executions that Lambda keeps for functions that reserve none.
const floor = 100

// Unprotected is the parameter that leaves production's data without protection.
const Unprotected = "Protected=no"

// Deployment is one deployment of a stage.
type Deployment struct {
	Stage, Stack string
	Region       string         // passed to SAM, so that it uses the same as the checks
	Parameters   []string       // Name=value; the stack keeps its values of others
	Template     map[string]any // template.yaml
	Policy       string         // the stack policy of production
	Account      Account
	SAM          func(ctx context.Context, args ...string) error // runs the SAM CLI
	Out          io.Writer
}

// Run deploys. Nothing is built or changed if a check fails.
func (d Deployment) Run(ctx context.Context) error {
	before, err := d.Account.Stack(ctx, d.Stack)
	if err != nil {
		return err
	}
	settled, err := d.settle(before)
	if err != nil {
		return err
	}
	err = errors.Join(d.mayBegin(before), d.checkGiven(settled), d.checkForm(before), refused(settled),
		d.checkCore(ctx, settled), d.checkConcurrency(ctx, settled))
	if err != nil {
		return err
	}
	if err := d.SAM(ctx, "build", "--parameter-overrides",
		"Architecture="+settled.Parameter("Architecture")); err != nil {
		return err
	}
	protects := settled.Holds("IsProtected")
	first := d.Parameters
	if protects && before.New() {
		if first, err = With(d.Parameters, []string{Unprotected}); err != nil {
			return err
		}
	}
	if err := d.deploy(ctx, first); err != nil {
		return fmt.Errorf("%w\nIf this created the stack %[2]s, delete it: "+
			"`.tools/sam/bin/sam delete --stack-name %[2]s`",
			err, d.Stack)
	}
	return d.protect(ctx, before, protects)
}

// protect protects the stack after a successful deployment, if the template asks for it.
func (d Deployment) protect(ctx context.Context, before Stack, protects bool) error {
	if !protects {
		return nil
	}
	now, err := d.Account.Stack(ctx, d.Stack)
	if err != nil {
		return err
	}
	if !now.There() {
		return fmt.Errorf("the stack %s is %s: nothing is protected yet. Deploy again", d.Stack,
			cmp.Or(now.Status, "missing"))
	}
	if before.New() {
		if err := d.deploy(ctx, d.Parameters, "--no-confirm-changeset"); err != nil {
			return fmt.Errorf("%w\nThe stack %s runs, but its data is not protected yet: deploy again", err, d.Stack)
		}
	}
	if err := d.Account.Protect(ctx, d.Stack, d.Policy); err != nil {
		return err
	}
	fmt.Fprintf(d.Out,
		"%s: protected: tables and user pool cannot be deleted or replaced, and the stack cannot be deleted\n",
		d.Stack)
	return nil
}

func (d Deployment) deploy(ctx context.Context, parameters []string, flags ...string) error {
	args := append([]string{"deploy", "--config-env", d.Stage, "--region", d.Region}, flags...)
	return d.SAM(ctx, append(append(args, "--parameter-overrides"), parameters...)...)
}

// settle evaluates the template with the parameters of the deployment; missing ones are the
// stack's.
func (d Deployment) settle(before Stack) (*cfn.Stack, error) {
	parameters := map[string]string{}
	for name, value := range before.Parameters {
		if cfn.Dig(d.Template, "Parameters", name) != nil {
			parameters[name] = value
		}
	}
	for _, p := range d.Parameters {
		name, value, _ := strings.Cut(p, "=")
		parameters[name] = value
	}
	return cfn.New(d.Template, d.Stack, parameters)
}

// mayBegin fails if CloudFormation would not update the stack.
func (d Deployment) mayBegin(before Stack) error {
	switch {
	case before.New() || before.There():
		return nil
	case strings.HasSuffix(before.Status, "_IN_PROGRESS"):
		return fmt.Errorf("the stack %s is %s: wait for it to end", d.Stack, before.Status)
	case before.Status == "UPDATE_ROLLBACK_FAILED":
		return fmt.Errorf("the stack %s is %s: see `aws cloudformation describe-stack-events --stack-name %[1]s`, "+
			"then run `aws cloudformation continue-update-rollback --stack-name %[1]s`",
			d.Stack, before.Status)
	}
	return fmt.Errorf("the stack %s is %s: its creation failed. "+
		"See `aws cloudformation describe-stack-events --stack-name %[1]s`, "+
		"delete it with `.tools/sam/bin/sam delete --stack-name %[1]s`, and deploy again", d.Stack, before.Status)
}

// checkGiven fails if parameters without a default are missing.
func (d Deployment) checkGiven(s *cfn.Stack) error {
	var missing []string
	declared, _ := d.Template["Parameters"].(map[string]any)
	for name, p := range declared {
		if cfn.Dig(p, "Default") == nil && s.Parameter(name) == "" {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("parameters are missing: %s. Set them in parameter_overrides of samconfig.toml, or with "+
		"--parameters 'Name=value …'", strings.Join(missing, ", "))
}

// checkForm fails if functions of the release before StoredForm would run side by side with
// functions that write a form they cannot read, unless the form was given.
func (d Deployment) checkForm(before Stack) error {
	const name = "StoredForm"
	_, has := before.Parameters[name]
	given := slices.ContainsFunc(d.Parameters, func(p string) bool { return strings.HasPrefix(p, name+"=") })
	if before.New() || has || given {
		return nil
	}
	return fmt.Errorf("the stack %s runs a release that cannot read what this one writes. Deploy with "+
		"PARAMETERS=StoredForm=previous first, and with StoredForm=current 100 minutes later: see "+
		"docs/deploy.md, \"Upgrading a stage with orders\". If no order is in progress, "+
		"StoredForm=current is enough", d.Stack)
}

// checkCore fails unless the core's stack, whose resources a stack of its own uses, exists and has
// the same stage.
func (d Deployment) checkCore(ctx context.Context, s *cfn.Stack) error {
	name := s.Parameter("Core")
	if name == "" {
		return nil
	}
	core, err := d.Account.Stack(ctx, name)
	switch {
	case err != nil:
		return err
	case !core.There():
		return fmt.Errorf("the core's stack %s is %s: deploy it first, or set Core", name,
			cmp.Or(core.Status, "missing"))
	case core.Parameters["Stage"] != s.Parameter("Stage"):
		return fmt.Errorf("the core's stack %s is of stage %s, not %s: set Core or Stage", name,
			core.Parameters["Stage"],
			s.Parameter("Stage"))
	}
	return nil
}

func refused(s *cfn.Stack) error {
	all := s.Refusals()
	if len(all) == 0 {
		return nil
	}
	return errors.New(strings.Join(all, "\n") + "\nset them in parameter_overrides of samconfig.toml, or with: " +
		"make deploy STAGE=… PARAMETERS='Name=value …'")
}

// checkConcurrency fails if the reservations would leave the account too few concurrent executions,
// which Lambda would refuse only after minutes.
func (d Deployment) checkConcurrency(ctx context.Context, s *cfn.Stack) error {
	wanted := map[string]int{}
	for _, id := range s.OfType("AWS::Serverless::Function") {
		p := s.Properties(id)
		if n, _ := strconv.Atoi(fmt.Sprint(p["ReservedConcurrentExecutions"])); n > 0 {
			wanted[fmt.Sprint(p["FunctionName"])] = n
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	sum, more := 0, 0
	for name, n := range wanted {
		has, err := d.Account.Reserved(ctx, name)
		if err != nil {
			return err
		}
		sum, more = sum+n, more+n-has
	}
	unreserved, err := d.Account.Unreserved(ctx)
	if err != nil || unreserved-more >= floor {
		return err
	}
	return fmt.Errorf("%d functions of %s reserve %d concurrent executions, %d more than now. "+
		"The account has %d unreserved ones in this region, and %d must stay unreserved. "+
		"Request more, which takes a day or two:\n  aws service-quotas request-service-quota-increase "+
		"--service-code lambda --quota-code L-B99A9384 --desired-value 1000\n"+
		"or deploy without bulkheads until then: make deploy STAGE=%s PARAMETERS=ReservedConcurrency=0", len(wanted),
		d.Stack, sum, more, unreserved, floor, d.Stage)
}

// Account makes a deployment's calls to its AWS account.
type Account struct{ API awsapi.Client }

// Stack is the state of a CloudFormation stack. One that was never created has no status.
type Stack struct {
	Status     string
	Parameters map[string]string
}

// There reports whether the stack was created successfully, in any release.
func (s Stack) There() bool {
	return slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE",
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}, s.Status)
}

// New reports whether the stack does not exist, or only as a change set that was never executed.
func (s Stack) New() bool { return s.Status == "" || s.Status == "REVIEW_IN_PROGRESS" }

// Stack describes the stack called name.
func (a Account) Stack(ctx context.Context, name string) (Stack, error) {
	var answer struct {
		Stacks []struct {
			StackStatus string
			Parameters  []struct{ ParameterKey, ParameterValue string } `xml:"Parameters>member"`
		} `xml:"DescribeStacksResult>Stacks>member"`
	}
	err := a.API.Query(ctx, "cloudformation", form("DescribeStacks", name), &answer)
	if awsapi.Failed(err, "ValidationError") && strings.Contains(err.Error(), "does not exist") {
		return Stack{}, nil
	}
	if err != nil {
		return Stack{}, fmt.Errorf("describe the stack %s: %w", name, err)
	}
	if len(answer.Stacks) != 1 {
		return Stack{}, fmt.Errorf("describe the stack %s: got %d stacks", name, len(answer.Stacks))
	}
	s := Stack{Status: answer.Stacks[0].StackStatus, Parameters: map[string]string{}}
	for _, p := range answer.Stacks[0].Parameters {
		s.Parameters[p.ParameterKey] = p.ParameterValue
	}
	return s, nil
}

// Protect sets the stack policy and enables termination protection.
func (a Account) Protect(ctx context.Context, name, policy string) error {
	for _, call := range [][3]string{{"SetStackPolicy", "StackPolicyBody", policy},
		{"UpdateTerminationProtection", "EnableTerminationProtection", "true"}} {
		in := form(call[0], name)
		in.Set(call[1], call[2])
		if err := a.API.Query(ctx, "cloudformation", in, nil); err != nil {
			return fmt.Errorf("protect the stack %s: %s: %w", name, call[0], err)
		}
	}
	return nil
}

func form(action, stack string) url.Values {
	return url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {stack}}
}

// Unreserved returns the account's unreserved concurrent executions.
func (a Account) Unreserved(ctx context.Context) (int, error) {
	var answer struct {
		AccountLimit struct{ UnreservedConcurrentExecutions *int }
	}
	err := a.API.Get(ctx, "lambda", "/2016-08-19/account-settings", &answer)
	n := answer.AccountLimit.UnreservedConcurrentExecutions
	if err == nil && n == nil {
		err = errors.New("the response has none")
	}
	if err != nil {
		return 0, fmt.Errorf("read the account's Lambda quota: %w", err)
	}
	return *n, nil
}

// Reserved returns a function's reserved concurrent executions, 0 for an unknown function.
func (a Account) Reserved(ctx context.Context, function string) (int, error) {
	var answer struct{ ReservedConcurrentExecutions int }
	err := a.API.Get(ctx, "lambda", "/2019-09-30/functions/"+url.PathEscape(function)+"/concurrency", &answer)
	if awsapi.Failed(err, "ResourceNotFoundException") {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the reserved concurrency of %s: %w", function, err)
	}
	return answer.ReservedConcurrentExecutions, nil
}

// Settings are a stage's settings in samconfig.toml.
type Settings struct {
	Stack, Region, Profile string
	Parameters             []string // Name=value, in their order
}

var (
	section = regexp.MustCompile(`^\[([a-z.-]+)\]\s*$`)
	setting = regexp.MustCompile(`^([a-z0-9_]+)\s*=\s*"([^"]*)"\s*(#.*)?$`)
)

// Read reads the deploy section of a stage. It understands only the TOML that the file uses: quoted
// strings.
func Read(toml, stage string) (Settings, error) {
	values, in := map[string]string{}, ""
	for line := range strings.Lines(toml) {
		line = strings.TrimSpace(line)
		if m := section.FindStringSubmatch(line); m != nil {
			in = m[1]
		} else if m := setting.FindStringSubmatch(line); m != nil && in == stage+".deploy.parameters" {
			values[m[1]] = m[2]
		}
	}
	s := Settings{Stack: values["stack_name"], Region: values["region"], Profile: values["profile"],
		Parameters: strings.Fields(values["parameter_overrides"])}
	if s.Stack == "" {
		return s, fmt.Errorf("samconfig.toml has no [%s.deploy.parameters] with a stack_name", stage)
	}
	return s, nil
}

// With returns parameters, overridden and extended by others.
func With(parameters, others []string) ([]string, error) {
	all := slices.Clone(parameters)
	for _, o := range others {
		name, _, ok := strings.Cut(o, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not a parameter: want Name=value", o)
		}
		if at := slices.IndexFunc(all, func(p string) bool { return strings.HasPrefix(p, name+"=") }); at >= 0 {
			all[at] = o
		} else {
			all = append(all, o)
		}
	}
	return all, nil
}
