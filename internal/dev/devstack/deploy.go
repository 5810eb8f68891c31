package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"orderflow/internal/dev/template"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/concurrent"
)

// Stage is the stage of every local stack.
const Stage = "local"

// artifacts is the bucket of packages. `sam deploy --resolve-s3` would create one, but two
// concurrent deployments to a new emulator would conflict.
const artifacts = "orderflow-artifacts"

// cfnStacks are the CloudFormation stacks of a local stack.
var cfnStacks = []struct{ name, template string }{
	{"orderflow", "template.yaml"},
	{"orderflow-sandbox", "sandbox/template.yaml"},
}

// deployedInputs are the files and directories of a deployment, in hashing order. Go sources count
// by their binaries.
var deployedInputs = []string{"template.yaml", "api", "statemachines", "sandbox", "tools/sam.txt", ".build/functions"}

// Origins are the usual origins of pages developed on this machine; they may call a local stack's
// API.
var Origins = []string{"http://localhost:3000", "http://localhost:5173"}

// trackingURL is the carrier's page on stacks of this machine.
const trackingURL = "https://carrier.example/track/{trackingNumber}"

// deployment records what was last deployed, and to which emulator.
type deployment struct {
	Emulator    process `json:"emulator"`
	Fingerprint string  `json:"fingerprint"` // of the inputs; empty while a deployment is running or after it failed
	// Home is the fingerprint of the deployment from which EventsBy was changed; see HandOver.
	Home string `json:"home,omitempty"`
}

// deploy deploys both stacks with the SAM CLI, unless this emulator is up to date.
func (s *Stack) deploy(ctx context.Context, opts Options) error {
	if err := template.Check(string(s.repo)); err != nil {
		return err
	}
	parameters := []string{"Stage=" + Stage, "Architecture=" + HostArchitecture(), "EmulatorEndpoint=" + s.Emulator.URL,
		"Discovery=" + opts.Discovery, "TracesUrl=" + s.TracesURL, "AllowedOrigins=" + strings.Join(Origins, ","),
		"Introspection=on", "TrackingUrl=" + trackingURL, eventsBy + string(ByFunctions)}
	tokens, err := s.tokenParameters(ctx, opts)
	if err != nil {
		return err
	}
	parameters = append(parameters, tokens...)
	fingerprint, err := s.repo.fingerprint(deployedInputs, parameters)
	if err != nil {
		return err
	}
	want := deployment{Emulator: s.Emulator.Process, Fingerprint: fingerprint}
	have := readDeployment(deploymentFile(s.dir))
	if have == want {
		opts.Report.Printf("  ✓ already deployed, nothing has changed\n")
		return nil
	}
	if have.Emulator == want.Emulator {
		if err := save(deploymentFile(s.dir), deployment{Emulator: want.Emulator}); err != nil {
			return err
		}
	}
	err = s.Emulator.rest(ctx, "s3", http.MethodPut, "/"+artifacts, nil, nil)
	if err != nil && !awsapi.Failed(err, "BucketAlreadyOwnedByYou") && !awsapi.Failed(err, "BucketAlreadyExists") {
		return fmt.Errorf("create the bucket of packages: %w", err)
	}
	var deploys []func() error
	for _, stack := range cfnStacks {
		deploys = append(deploys, func() error {
			return opts.Report.Do("deploy "+stack.name, func() error {
				return s.samDeploy(ctx, stack.name, stack.template, parameters)
			})
		})
	}
	if err := concurrent.All(deploys...); err != nil {
		return err
	}
	if s.Outputs, err = s.readOutputs(ctx); err != nil {
		return err
	}
	if err := s.complete(ctx); err != nil {
		return err
	}
	return save(deploymentFile(s.dir), want)
}

func (s *Stack) samDeploy(ctx context.Context, name, template string, parameters []string) error {
	home := filepath.Join(s.Emulator.files(), "sam", name)
	// SAM checks for a new version of itself once a week: pretend it just has.
	checked := fmt.Appendf(nil, `{"lastVersionCheck": %d}`, time.Now().Unix())
	if err := writeFile(filepath.Join(home, ".aws-sam", "metadata.json"), checked, 0o644); err != nil {
		return err
	}
	template, err := s.repo.stage(template, filepath.Join(home, "sources"))
	if err != nil {
		return err
	}
	args := []string{"-m", "samcli", "deploy", "--config-env", Stage, "--template-file", template, "--stack-name", name,
		"--region", Region, "--no-resolve-s3", "--s3-bucket", artifacts, "--s3-prefix", name,
		"--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND",
		"--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar", "--parameter-overrides"}
	return command{
		dir:  string(s.repo),
		log:  filepath.Join(s.dir, "deploy-"+name+".log"),
		name: s.repo.Path(".tools", "sam", "bin", "python"),
		args: append(args, parameters...),
		env:  append(s.Emulator.SAMEnviron(home), "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8"),
	}.run(ctx)
}

// stage makes dir a copy of the repository for a template, with the packages of .build/functions at
// the template's CodeUri, and returns the path of its template. In the source tree these paths do
// not exist, so `sam deploy` without `sam build` fails instead of deploying an old build. SAM
// uploads these packages unchanged; its own builds it would pack each time.
func (r Repo) stage(template, dir string) (staged string, err error) {
	packages := filepath.Join(dir, filepath.Dir(template), ".packages")
	err = errors.Join(os.RemoveAll(dir), os.MkdirAll(packages, 0o755))
	zips, _ := filepath.Glob(r.Path(".build", "functions", "*.zip")) // these patterns are correct
	for _, p := range zips {
		err = errors.Join(err, os.Symlink(p, filepath.Join(packages, strings.TrimSuffix(filepath.Base(p), ".zip"))))
	}
	// All but the template and its directories are links: it names files beside and above it.
	for own := template; own != "."; own = filepath.Dir(own) {
		beside, _ := filepath.Glob(r.Path(filepath.Dir(own), "[^.]*"))
		for _, file := range beside {
			if name := filepath.Base(file); name != filepath.Base(own) {
				err = errors.Join(err, os.Symlink(file, filepath.Join(dir, filepath.Dir(own), name)))
			}
		}
	}
	staged = filepath.Join(dir, template)
	text, readErr := os.ReadFile(r.Path(template))
	return staged, errors.Join(err, readErr, os.WriteFile(staged, text, 0o600))
}

// cloudFormation calls an action for a stack.
func (s *Stack) cloudFormation(ctx context.Context, action, stack string, out any) error {
	form := url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {stack}}
	if err := s.Emulator.api().Query(ctx, "cloudformation", form, out); err != nil {
		return fmt.Errorf("%s of %s: %w", action, stack, err)
	}
	return nil
}

// readOutputs returns the outputs of both stacks.
func (s *Stack) readOutputs(ctx context.Context) (map[string]string, error) {
	outputs := map[string]string{}
	for _, stack := range cfnStacks {
		described, err := s.describe(ctx, stack.name)
		if err != nil {
			return nil, err
		}
		for name, value := range described.outputs() {
			if _, taken := outputs[name]; taken {
				return nil, fmt.Errorf("both templates have an output %s: rename one", name)
			}
			outputs[name] = value
		}
	}
	return outputs, nil
}

// cfnStack is what DescribeStacks tells of one.
type cfnStack struct {
	StackStatus, StackStatusReason string
	Outputs                        []struct{ OutputKey, OutputValue string }       `xml:"Outputs>member"`
	Parameters                     []struct{ ParameterKey, ParameterValue string } `xml:"Parameters>member"`
}

func (c cfnStack) outputs() map[string]string {
	outputs := map[string]string{}
	for _, output := range c.Outputs {
		outputs[output.OutputKey] = output.OutputValue
	}
	return outputs
}

func (c cfnStack) parameters() map[string]string {
	parameters := map[string]string{}
	for _, p := range c.Parameters {
		parameters[p.ParameterKey] = p.ParameterValue
	}
	return parameters
}

func (s *Stack) describe(ctx context.Context, stack string) (cfnStack, error) {
	var answer struct {
		Stacks []cfnStack `xml:"DescribeStacksResult>Stacks>member"`
	}
	err := s.cloudFormation(ctx, "DescribeStacks", stack, &answer)
	if err == nil && len(answer.Stacks) != 1 {
		err = fmt.Errorf("%d stacks are called %s", len(answer.Stacks), stack)
	}
	if err != nil {
		return cfnStack{}, err
	}
	return answer.Stacks[0], nil
}

// complete does what the emulator's deployment does not: it applies the API's gateway responses,
// which the emulator does not read from the contract, and verifies the sender of e-mail, which its
// owner does once on AWS.
func (s *Stack) complete(ctx context.Context) error {
	if err := s.completeAPI(ctx, s.Outputs["ApiId"], "template.yaml", "api/openapi.yaml"); err != nil {
		return err
	}
	return s.Emulator.VerifySender(ctx)
}

// Sender is the sender of e-mail, the template's default.
const Sender = "orders@example.com"

// VerifySender verifies the sender of e-mail.
func (e *Emulator) VerifySender(ctx context.Context) error {
	sender := url.Values{"Action": {"VerifyDomainIdentity"}, "Version": {"2010-12-01"}, "Domain": {"example.com"}}
	if err := e.api().Query(ctx, "ses", sender, nil); err != nil {
		return fmt.Errorf("verify the sender of e-mail: %w", err)
	}
	return nil
}

func (s *Stack) completeAPI(ctx context.Context, id, template, spec string) error {
	responses, err := s.repo.gatewayResponses(template, spec)
	if err != nil {
		return err
	}
	api := "/restapis/" + id
	for kind, response := range responses {
		err := s.Emulator.rest(ctx, "apigateway", http.MethodPut, api+"/gatewayresponses/"+kind, response, nil)
		if err != nil {
			return fmt.Errorf("set the gateway response %s: %w", kind, err)
		}
	}
	// They take effect with the API's next deployment.
	return s.Emulator.rest(ctx, "apigateway", http.MethodPost, api+"/deployments",
		map[string]string{"stageName": Stage},
		nil)
}

// gatewayResponses returns API Gateway's own responses, such as to a call without a token,
// evaluated with the parameters of a local stack.
func (r Repo) gatewayResponses(template, contract string) (map[string]any, error) {
	stack, err := cfn.Load(r.Path(template), "orderflow",
		map[string]string{"Stage": Stage, "AllowedOrigins": strings.Join(Origins, ",")})
	if err != nil {
		return nil, err
	}
	spec, err := cfn.Read(r.Path(contract))
	if err != nil {
		return nil, err
	}
	responses, ok := stack.Value(spec["x-amazon-apigateway-gateway-responses"]).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s has no x-amazon-apigateway-gateway-responses", contract)
	}
	return responses, nil
}

// fingerprint hashes everything that a deployment depends on.
func (r Repo) fingerprint(inputs, parameters []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, parameters)
	for _, input := range inputs {
		err := fs.WalkDir(os.DirFS(string(r)), input, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == input {
				return nil
			}
			if err != nil || d.IsDir() || strings.HasSuffix(d.Name(), ".go") {
				return err
			}
			content, err := sum(r.Path(path))
			fmt.Fprintf(h, "%s %s\n", path, content)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// deployedTo returns the emulator that a deployment, perhaps an earlier one, fully reached.
func deployedTo(dir string) process { return readDeployment(deploymentFile(dir)).Emulator }

func readDeployment(file string) (d deployment) {
	_, _ = load(file, &d) // without it, or a part of it, the stack is deployed again
	return d
}

func deploymentFile(dir string) string { return filepath.Join(dir, "deployment.json") }
