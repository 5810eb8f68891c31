package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"orderflow/internal/dev/template"
	"orderflow/internal/ops/awsapi"
)

// Stage is the stage that a local stack is deployed as.
const Stage = "local"

// artifacts is the bucket that packages are uploaded to. `sam deploy --resolve-s3` would make one
// itself, but two at once, each on a new emulator, get in each other's way.
const artifacts = "orderflow-artifacts"

// cfnStacks are the CloudFormation stacks of a local stack.
var cfnStacks = []struct{ name, template string }{
	{"orderflow", "template.yaml"},
	{"orderflow-sandbox", "sandbox/template.yaml"},
}

// deployedInputs are the files and directories that go into a deployment, in the order in which
// they are hashed. Go sources count by what they build.
var deployedInputs = []string{"template.yaml", "api", "statemachines", "sandbox", "tools/sam.txt", ".build/functions"}

// Origins are where a page that somebody develops on this machine usually comes from; such pages
// may call a local stack's API.
var Origins = []string{"http://localhost:3000", "http://localhost:5173"}

// deployment remembers what was last deployed and where.
type deployment struct {
	Emulator    process `json:"emulator"`
	Fingerprint string  `json:"fingerprint"` // of the inputs; empty while a deployment is under way or has failed
}

// deploy deploys both stacks with the SAM CLI, unless just that was deployed to this emulator
// already.
func (s *Stack) deploy(ctx context.Context, opts Options) error {
	if err := template.Check(string(s.repo)); err != nil {
		return err
	}
	parameters := []string{"Stage=" + Stage, "Architecture=" + HostArchitecture(), "EmulatorEndpoint=" + s.Emulator.URL,
		"Discovery=" + opts.Discovery, "TracesUrl=" + s.TracesURL, "AllowedOrigins=" + strings.Join(Origins, ",")}
	tokens, err := s.tokenParameters(ctx, opts)
	if err != nil {
		return err
	}
	parameters = append(parameters, tokens...)
	fingerprint, err := s.repo.fingerprint(parameters)
	if err != nil {
		return err
	}
	want := deployment{Emulator: s.Emulator.Process, Fingerprint: fingerprint}
	have := readDeployment(s.dir)
	if have == want {
		opts.Report.Printf("  ✓ deployed already, nothing has changed\n")
		return nil
	}
	if have.Emulator == want.Emulator {
		if err := writeDeployment(s.dir, deployment{Emulator: want.Emulator}); err != nil {
			return err
		}
	}
	if err := s.makeBucket(ctx); err != nil {
		return err
	}
	var deploys []func() error
	for _, stack := range cfnStacks {
		deploys = append(deploys, func() error {
			return opts.Report.Do("deploy "+stack.name, func() error {
				return s.samDeploy(ctx, stack.name, stack.template, parameters)
			})
		})
	}
	if err := parallel(deploys...); err != nil {
		return err
	}
	if s.Outputs, err = s.readOutputs(ctx); err != nil {
		return err
	}
	if err := s.complete(ctx); err != nil {
		return err
	}
	return writeDeployment(s.dir, want)
}

func (s *Stack) samDeploy(ctx context.Context, name, template string, parameters []string) error {
	home := filepath.Join(s.Emulator.files(), "sam", name)
	// SAM asks its registry for a newer version of itself once a week: tell it that it has just
	// done so.
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

// stage makes the directory dir look as template's, with the packages of .build/functions where the
// template's CodeUri says they are, and returns the path of its template. In the source tree
// nothing is at these places: a `sam deploy` without a `sam build` fails, rather than deploying
// what was once built. SAM takes a package as it is, and would pack what it has built itself each
// time.
func (r Repo) stage(template, dir string) (string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	packages, err := filepath.Glob(r.Path(".build", "functions", "*.zip"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(dir, ".packages"), 0o755); err != nil {
		return "", err
	}
	for _, p := range packages {
		if err := os.Symlink(p,
			filepath.Join(dir, ".packages", strings.TrimSuffix(filepath.Base(p), ".zip"))); err != nil {
			return "", err
		}
	}
	beside := r.Path(filepath.Dir(template))
	entries, err := os.ReadDir(beside)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == filepath.Base(template) {
			continue
		}
		if err := os.Symlink(filepath.Join(beside, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return "", err
		}
	}
	staged := filepath.Join(dir, filepath.Base(template))
	return staged, copyFile(r.Path(template), staged)
}

func (s *Stack) makeBucket(ctx context.Context) error {
	_, err := s.Emulator.send(ctx, http.MethodPut, "/"+artifacts, "s3", http.Header{}, nil)
	if err != nil && !awsapi.Failed(err, "BucketAlreadyOwnedByYou") && !awsapi.Failed(err, "BucketAlreadyExists") {
		return fmt.Errorf("make the bucket for packages: %w", err)
	}
	return nil
}

// readOutputs asks the emulator for the outputs of both stacks.
func (s *Stack) readOutputs(ctx context.Context) (map[string]string, error) {
	outputs := map[string]string{}
	for _, stack := range cfnStacks {
		var answer struct {
			Outputs []struct{ OutputKey, OutputValue string } `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
		}
		form := url.Values{"Action": {"DescribeStacks"}, "Version": {"2010-05-15"}, "StackName": {stack.name}}
		if err := s.Emulator.callQuery(ctx, "cloudformation", form, &answer); err != nil {
			return nil, fmt.Errorf("read the outputs of %s: %w", stack.name, err)
		}
		for _, output := range answer.Outputs {
			if _, taken := outputs[output.OutputKey]; taken {
				return nil, fmt.Errorf("template.yaml and sandbox/template.yaml both have an output %s: rename one",
					output.OutputKey)
			}
			outputs[output.OutputKey] = output.OutputValue
		}
	}
	return outputs, nil
}

// fingerprint hashes everything that a deployment depends on.
func (r Repo) fingerprint(parameters []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, parameters)
	for _, input := range deployedInputs {
		err := filepath.WalkDir(r.Path(input), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == r.Path(input) {
				return nil
			}
			if err != nil {
				return err
			}
			// Of a function the package is hashed; the binary beside it is the same once more.
			if d.IsDir() || d.Name() == "bootstrap" || strings.HasSuffix(d.Name(), ".go") {
				return nil
			}
			rel, err := filepath.Rel(string(r), path)
			if err != nil {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			content := sha256.New()
			if _, err := io.Copy(content, f); err != nil {
				return err
			}
			fmt.Fprintf(h, "%s %x\n", rel, content.Sum(nil))
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// deployedTo names the emulator that a whole deployment has reached, if only an earlier one.
func deployedTo(dir string) process { return readDeployment(dir).Emulator }

func readDeployment(dir string) deployment {
	var d deployment
	data, err := os.ReadFile(filepath.Join(dir, "deployment.json"))
	if err != nil || json.Unmarshal(data, &d) != nil {
		return deployment{} // then it is deployed again
	}
	return d
}

func writeDeployment(dir string, d deployment) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "deployment.json"), data, 0o644)
}
