// Package deploy brings a stage to AWS: it checks what CloudFormation would refuse only half way,
// has the SAM CLI build and deploy, and protects production once that has succeeded.
//
// A stack that was protected from its first minute cannot be rolled back when its creation fails.
// So the first deployment of production is made without protection, and a second one, which changes
// nothing else, follows it at once. If the second one does not come about, the next deployment
// makes up for it, whoever starts it: samconfig.toml asks for protection.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"orderflow/internal/verify/cfn"
)

// floor is how many concurrent executions Lambda has an account keep for functions that reserve
// none.
const floor = 100

// Unprotected is the parameter that leaves production's data without protection.
const Unprotected = "Protected=no"

// Deployment is one deployment of a stage.
type Deployment struct {
	Stage, Stack string
	Region       string         // said to SAM, which does not look for it where the checks do
	Parameters   []string       // Name=value; the stack keeps what it has of others
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
	if err := errors.Join(d.mayBegin(before), refused(settled), d.checkConcurrency(ctx, settled)); err != nil {
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
		return fmt.Errorf("%w\nIf this made the stack %[2]s and failed, `.tools/sam/bin/sam delete --stack-name %[2]s` clears it away", err, d.Stack)
	}
	return d.protect(ctx, before, protects)
}

// protect does what must follow a deployment that succeeded.
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
			cmp.Or(now.Status, "not there"))
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
		"%s: tables and user pool cannot be deleted, nor replaced by an update, and the stack cannot be deleted\n",
		d.Stack)
	return nil
}

func (d Deployment) deploy(ctx context.Context, parameters []string, flags ...string) error {
	args := append([]string{"deploy", "--config-env", d.Stage, "--region", d.Region}, flags...)
	return d.SAM(ctx, append(append(args, "--parameter-overrides"), parameters...)...)
}

// settle evaluates the template as it is to be deployed: a parameter that is not given is the
// stack's.
func (d Deployment) settle(before Stack) (*cfn.Stack, error) {
	parameters := map[string]string{}
	for name, value := range before.Parameters {
		if cfn.Dig(d.Template, "Parameters", name) != nil {
			parameters[name] = value
		}
	}
	maps.Copy(parameters, asMap(d.Parameters))
	return cfn.New(d.Template, d.Stack, parameters)
}

// mayBegin refuses a stack that CloudFormation would not update.
func (d Deployment) mayBegin(before Stack) error {
	switch {
	case before.New() || before.There():
		return nil
	case strings.HasSuffix(before.Status, "_IN_PROGRESS"):
		return fmt.Errorf("the stack %s is %s: wait until that has ended", d.Stack, before.Status)
	case before.Status == "UPDATE_ROLLBACK_FAILED":
		return fmt.Errorf("the stack %s is %s: see why with `aws cloudformation describe-stack-events --stack-name %[1]s`, then `aws cloudformation continue-update-rollback --stack-name %[1]s`",
			d.Stack, before.Status)
	}
	return fmt.Errorf("the stack %s is %s, it was never made whole. See why with `aws cloudformation describe-stack-events --stack-name %[1]s`, "+
		"delete it with `.tools/sam/bin/sam delete --stack-name %[1]s`, and deploy again", d.Stack, before.Status)
}

func refused(s *cfn.Stack) error {
	var all []error
	for _, r := range s.Refusals() {
		all = append(all, errors.New(r))
	}
	if len(all) > 0 {
		all = append(all,
			errors.New("write parameters into parameter_overrides of samconfig.toml, or give them: make deploy STAGE=… PARAMETERS='Name=value …'"))
	}
	return errors.Join(all...)
}

// checkConcurrency refuses what Lambda would refuse after minutes: to reserve so much that the
// account keeps less than it must.
func (d Deployment) checkConcurrency(ctx context.Context, s *cfn.Stack) error {
	wanted := map[string]int{}
	for _, id := range s.OfType("AWS::Serverless::Function") {
		p := s.Properties(id)
		if n, err := strconv.Atoi(fmt.Sprint(p["ReservedConcurrentExecutions"])); err == nil && n > 0 {
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
	return fmt.Errorf("%d functions of %s reserve %d concurrent executions, %d more than now. The account has %d in this region that are not reserved, and %d must stay so. "+
		"Ask for more, which takes a day or two:\n  aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000\n"+
		"or go without bulkheads until then: make deploy STAGE=%s PARAMETERS=ReservedConcurrency=0", len(wanted),
		d.Stack, sum, more, unreserved, floor, d.Stage)
}
