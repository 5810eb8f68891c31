package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/dev/deploy"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/cfn"
)

// account fakes an AWS account: a stack, its functions' reservations, and the remaining quota.
type account struct {
	t          *testing.T
	status     string
	parameters map[string]string
	older      bool // the stack is of the release before StoredForm
	reserved   int  // of each existing function
	unreserved int

	own  string // the service whose own stack is deployed; empty for the core
	core string // stage of the core's stack, which stacks of their own need; empty if there is none

	did []string // changes, in order
	// sam are the statuses after each deployment; the last repeats.
	sam []string
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if r.Form.Get("StackName") == "orderflow-prod" && a.own != "" && a.core != "" {
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackStatus>UPDATE_COMPLETE</StackStatus>
			<Parameters><member><ParameterKey>Stage</ParameterKey>
			<ParameterValue>%s</ParameterValue></member></Parameters>
			</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, a.core)
		return
	}
	switch {
	case r.Form.Get("Action") == "DescribeStacks" && a.status == "":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w,
			`<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, r.Form.Get("StackName"))
	case r.Form.Get("Action") == "DescribeStacks":
		fmt.Fprintf(w,
			`<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackStatus>%s</StackStatus><Parameters>`,
			a.status)
		parameters := map[string]string{"StoredForm": "current"}
		if a.older {
			clear(parameters)
		}
		maps.Copy(parameters, a.parameters)
		for name, value := range parameters {
			fmt.Fprintf(w, `<member><ParameterKey>%s</ParameterKey><ParameterValue>%s</ParameterValue></member>`, name,
				value)
		}
		fmt.Fprint(w, `</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	case r.Form.Get("Action") == "SetStackPolicy":
		a.did = append(a.did, "policy "+r.Form.Get("StackPolicyBody"))
	case r.Form.Get("Action") == "UpdateTerminationProtection":
		a.did = append(a.did, "termination protection "+r.Form.Get("EnableTerminationProtection"))
	case r.URL.Path == "/2016-08-19/account-settings":
		fmt.Fprintf(w, `{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":%d}}`,
			a.unreserved)
	case strings.HasPrefix(r.URL.Path, "/2019-09-30/functions/orderflow-prod-") &&
		strings.HasSuffix(r.URL.Path, "/concurrency"):
		if a.status == "" {
			w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"Message":"no such function"}`)
			return
		}
		fmt.Fprintf(w, `{"ReservedConcurrentExecutions":%d}`, a.reserved)
	default:
		a.t.Errorf("asked for %s %s", r.URL.Path, r.Form.Get("Action"))
	}
}

// run deploys a stage to the account with the repository's template and samconfig.toml, or with
// those of a service's own stack.
func (a *account) run(t *testing.T, stage string, parameters ...string) error {
	t.Helper()
	a.t = t
	server := httptest.NewServer(a)
	defer server.Close()
	dir := "../../../"
	if a.own != "" {
		dir += "stacks/" + a.own + "/"
	}
	template, err := cfn.Read(dir + "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	toml, err := os.ReadFile(dir + "samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := deploy.Read(string(toml), stage)
	if err != nil {
		t.Fatal(err)
	}
	d := deploy.Deployment{Stage: stage, Stack: settings.Stack, Region: "eu-central-1", Template: template,
		Policy: "POLICY", Out: t.Output()}
	if d.Parameters, err = deploy.With(settings.Parameters, parameters); err != nil {
		t.Fatal(err)
	}
	d.Account = deploy.Account{API: awsapi.Client{Config: aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}}}
	d.SAM = func(_ context.Context, args ...string) error {
		if args[0] == "build" {
			a.did = append(a.did, "build")
			return nil
		}
		protected := "unsaid"
		for _, arg := range args {
			if value, ok := strings.CutPrefix(arg, "Protected="); ok {
				protected = value
			}
		}
		a.did = append(a.did, "deploy, protected: "+protected)
		if len(a.sam) > 0 {
			a.status = a.sam[0]
			if len(a.sam) > 1 {
				a.sam = a.sam[1:]
			}
		}
		if strings.Contains(a.status, "ROLLBACK") {
			return errors.New("sam deploy failed")
		}
		return nil
	}
	return d.Run(t.Context())
}

var complete = []string{"SenderIdentity=shop.example", "SenderAddress=orders@shop.example",
	"AlarmEmail=ops@shop.example"}

func (a *account) mustHaveDone(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(a.did, want) {
		t.Errorf("did %q\nwant %q", a.did, want)
	}
}

const policy, termination = "policy POLICY", "termination protection true"

func TestProductionIsProtectedAfterItsFirstSuccess(t *testing.T) {
	a := &account{unreserved: 1000, sam: []string{"CREATE_COMPLETE", "UPDATE_COMPLETE"}}
	if err := a.run(t, "prod", complete...); err != nil {
		t.Fatal(err)
	}
	a.mustHaveDone(t, "build", "deploy, protected: no", "deploy, protected: yes", policy, termination)
}

func TestExistingStackIsDeployedOnceAndProtectedAgain(t *testing.T) {
	// the first deployment may have been interrupted before it protected anything
	for _, has := range []string{"yes", "no"} {
		a := &account{status: "UPDATE_COMPLETE", unreserved: 800, reserved: 25,
			parameters: map[string]string{"Stage": "prod", "Protected": has, "AlarmEmail": "ops@shop.example",
				"SenderIdentity": "shop.example", "SenderAddress": "orders@shop.example", "GoneSince": "1.0"}}
		if err := a.run(t, "prod"); err != nil {
			t.Fatal(err)
		}
		a.mustHaveDone(t, "build", "deploy, protected: yes", policy, termination)
	}
}

func TestFailedCreationCanBeRolledBack(t *testing.T) {
	a := &account{unreserved: 1000, sam: []string{"ROLLBACK_COMPLETE"}}
	err := a.run(t, "prod", complete...)
	if err == nil || !strings.Contains(err.Error(), "sam delete --stack-name orderflow-prod") {
		t.Errorf("%v", err)
	}
	a.mustHaveDone(t, "build", "deploy, protected: no")
	a.did = nil
	if err := a.run(t, "prod", complete...); err == nil || !strings.Contains(err.Error(), "ROLLBACK_COMPLETE") ||
		!strings.Contains(err.Error(), "sam delete --stack-name orderflow-prod") {
		t.Errorf("deployed over it: %v", err)
	}
	a.mustHaveDone(t)
}

func TestUnconfirmedChangeSetIsNotASuccess(t *testing.T) {
	a := &account{unreserved: 1000, sam: []string{"REVIEW_IN_PROGRESS"}}
	if err := a.run(t, "prod", complete...); err == nil || !strings.Contains(err.Error(), "nothing is protected yet") {
		t.Errorf("%v", err)
	}
	a.mustHaveDone(t, "build", "deploy, protected: no")
}

func TestProtectedNoAppliesToOneDeployment(t *testing.T) {
	a := &account{status: "UPDATE_COMPLETE", unreserved: 1000, reserved: 25}
	if err := a.run(t, "prod", append(slices.Clone(complete), deploy.Unprotected)...); err != nil {
		t.Fatal(err)
	}
	a.mustHaveDone(t, "build", "deploy, protected: no")
}

func TestOtherStagesAreNotProtected(t *testing.T) {
	a := &account{sam: []string{"CREATE_COMPLETE"}}
	if err := a.run(t, "dev", complete[:2]...); err != nil {
		t.Fatal(err)
	}
	a.mustHaveDone(t, "build", "deploy, protected: unsaid")
}

func TestFirstUpgradeNamesTheFormThatIsStored(t *testing.T) {
	stackOfItsOwn := []string{"RabbitMqUrl=amqps://x", "RabbitMqSecret=x", "RabbitMqBroker=x", "ServiceUserSecret=x",
		"Core=orderflow-prod"}
	for _, c := range []struct {
		own, status string
		older       bool
		parameters  []string
		refused     bool
	}{
		{"", "UPDATE_COMPLETE", true, complete, true},
		{"", "UPDATE_ROLLBACK_COMPLETE", true, complete, true},
		{"", "UPDATE_COMPLETE", true, append(slices.Clone(complete), "StoredForm=previous"), false},
		{"", "UPDATE_COMPLETE", true, append(slices.Clone(complete), "StoredForm=current"), false},
		{"", "UPDATE_COMPLETE", false, complete, false},
		{"", "", true, complete, false}, // a new stage
		{"warehouse", "UPDATE_COMPLETE", true, stackOfItsOwn, true},
	} {
		a := &account{status: c.status, older: c.older, own: c.own, core: "dev", sam: []string{"UPDATE_COMPLETE"},
			parameters: map[string]string{"Stage": "dev"}}
		err := a.run(t, "dev", c.parameters...)
		refused := err != nil && strings.Contains(err.Error(), "StoredForm=previous first") && len(a.did) == 0
		if refused != c.refused || !refused && err != nil {
			t.Errorf("%+v: %v, did %q", c, err, a.did)
		}
	}
}

func TestReservationsBeyondTheQuotaAreRefusedFirst(t *testing.T) {
	for name, tt := range map[string]struct {
		account    account
		parameters []string
		refused    bool
	}{
		"a new account": {account{unreserved: 10}, nil, true},
		"one too few":   {account{unreserved: 399}, nil, true},
		"just enough":   {account{unreserved: 400, sam: []string{"CREATE_COMPLETE"}}, nil, false},
		"without bulkheads": {account{unreserved: 10, sam: []string{"CREATE_COMPLETE"}},
			[]string{"ReservedConcurrency=0"}, false},
		"what the stack has counts": {account{status: "UPDATE_COMPLETE", unreserved: 100, reserved: 25}, nil, false},
		"more than the stack has": {account{status: "UPDATE_COMPLETE", unreserved: 107, reserved: 25},
			[]string{"ReservedConcurrency=26"}, true},
		"fewer than the stack has, in need": {account{status: "UPDATE_COMPLETE", unreserved: 60, reserved: 30}, nil,
			false},
	} {
		t.Run(name, func(t *testing.T) {
			a := tt.account
			err := a.run(t, "prod", append(slices.Clone(complete), tt.parameters...)...)
			if tt.refused != (err != nil) {
				t.Fatalf("%v", err)
			}
			if tt.refused {
				a.mustHaveDone(t)
				for _, what := range []string{"request-service-quota-increase", "ReservedConcurrency=0",
					"12 functions"} {
					if !strings.Contains(err.Error(), what) {
						t.Errorf("missing %q in: %v", what, err)
					}
				}
			}
		})
	}
}

func TestNothingIsBuiltIfARuleRefusesTheParameters(t *testing.T) {
	a := &account{unreserved: 1000}
	err := a.run(t, "prod")
	for _, what := range []string{"AlarmEmail is missing", "SenderAddress is missing", "SenderIdentity is missing",
		"samconfig.toml"} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("missing %q in: %v", what, err)
		}
	}
	a.mustHaveDone(t)
}

func TestStackThatCannotBeUpdatedIsNotChanged(t *testing.T) {
	for status, want := range map[string]string{"UPDATE_IN_PROGRESS": "wait",
		"UPDATE_ROLLBACK_FAILED": "continue-update-rollback", "ROLLBACK_FAILED": "sam delete",
		"DELETE_FAILED": "sam delete"} {
		a := &account{status: status, unreserved: 1000}
		if err := a.run(t, "prod", complete...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", status, err)
		}
		a.mustHaveDone(t)
	}
}

func TestStackNamesAreNotPrefixesOfEachOther(t *testing.T) {
	var names []string
	for _, file := range []string{"../../../samconfig.toml", "../../../sandbox/samconfig.toml"} {
		toml, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, stage := range []string{"dev", "prod"} {
			if s, err := deploy.Read(string(toml), stage); err == nil {
				names = append(names, s.Stack)
			}
		}
	}
	if len(names) != 3 {
		t.Fatalf("stacks on AWS: %q", names)
	}
	for _, a := range names {
		for _, b := range names {
			if strings.HasPrefix(b, a+"-") {
				t.Errorf("%s- is also a prefix of %s: commands and dashboards find resources by this prefix", a, b)
			}
		}
	}
}

func TestSettingsAreReadByStage(t *testing.T) {
	const toml = `
[dev.deploy.parameters]
stack_name = "shop-dev" # a comment
parameter_overrides = "Stage=dev"
[prod.deploy.parameters]
stack_name = "shop-prod"
region = "eu-central-1"
confirm_changeset = true
parameter_overrides = "Stage=prod  A=b"
[prod.build.parameters]
stack_name = "other"
`
	s, err := deploy.Read(toml, "prod")
	if err != nil || s.Stack != "shop-prod" || s.Region != "eu-central-1" ||
		!slices.Equal(s.Parameters, []string{"Stage=prod", "A=b"}) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := deploy.Read(toml, "staging"); err == nil {
		t.Error("a missing stage was read")
	}
	if got, err := deploy.With(s.Parameters, []string{"A=c", "D=e=f"}); err != nil ||
		!slices.Equal(got, []string{"Stage=prod", "A=c", "D=e=f"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := deploy.With(nil, []string{"Stage"}); err == nil {
		t.Error("a parameter without a value was accepted")
	}
}

func TestStackOfItsOwnNeedsItsCoreAndItsBroker(t *testing.T) {
	broker := []string{"KafkaBrokers=b-1.example:9096,b-2.example:9096",
		"KafkaSecret=arn:aws:secretsmanager:eu-central-1:1:secret:k"}
	for _, tt := range []struct {
		core, want string
		parameters []string
	}{
		{"", "orderflow-prod is missing: deploy it first", broker},
		{"dev", "orderflow-prod is of stage dev, not prod", broker},
		{"prod", "parameters are missing: KafkaBrokers", broker[1:]},
		{"prod", "BrokerSubnets and BrokerSecurityGroup belong together",
			append(slices.Clone(broker), "BrokerSecurityGroup=sg-1")},
	} {
		a := &account{own: "reporting", core: tt.core, unreserved: 1000}
		if err := a.run(t, "prod", tt.parameters...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("core %q, %v: %v, want %s", tt.core, tt.parameters, err, tt.want)
		}
		a.mustHaveDone(t)
	}
	a := &account{own: "reporting", core: "prod", unreserved: 1000, sam: []string{"CREATE_COMPLETE", "UPDATE_COMPLETE"}}
	if err := a.run(t, "prod", broker...); err != nil {
		t.Fatal(err)
	}
	a.mustHaveDone(t, "build", "deploy, protected: no", "deploy, protected: yes", policy, termination)
}
