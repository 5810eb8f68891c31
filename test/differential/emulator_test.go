package differential

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
)

// emulator is MiniStack with all machines, and a scripted function for each of their tasks.
type emulator struct {
	url     string
	client  *sfn.Client
	scripts string // the directory
	arns    map[string]string
}

const role = "arn:aws:iam::000000000000:role/differential"

func startEmulator(t *testing.T) *emulator {
	t.Helper()
	// Not shared: it cuts the waits between attempts, which would break tests of time.
	e, err := devstack.StartEmulator(t.Context(),
		devstack.Options{Dir: t.TempDir(), Env: []string{"SFN_WAIT_SCALE=0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	em := &emulator{url: e.URL, scripts: t.TempDir(), arns: map[string]string{}, client: sfn.New(sfn.Options{
		BaseEndpoint: &e.URL, Region: devstack.Region,
		Credentials: credentials.NewStaticCredentialsProvider(devstack.AccessKey, devstack.SecretKey, ""),
	})}
	em.role(t)
	for _, child := range children {
		em.deploy(t, child, types.StateMachineTypeExpress)
	}
	em.deploy(t, "compensate-order", types.StateMachineTypeStandard)
	em.deploy(t, "fulfil-order", types.StateMachineTypeStandard)
	return em
}

func definition(t testing.TB, machine string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "statemachines", machine+".asl.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// deploy creates a state machine and its functions.
func (em *emulator) deploy(t *testing.T, machine string, kind types.StateMachineType) {
	t.Helper()
	text := string(asl.Substitute(definition(t, machine), func(name string) string {
		if function, ok := strings.CutSuffix(name, "Function"); ok {
			return em.function(t, function)
		}
		return em.arns[casing.Kebab(strings.TrimSuffix(name, "Arn"))]
	}))
	out, err := em.client.CreateStateMachine(t.Context(),
		&sfn.CreateStateMachineInput{Name: &machine, Definition: &text, RoleArn: aws.String(role), Type: kind})
	if err != nil {
		t.Fatal(err)
	}
	em.arns[machine] = *out.StateMachineArn
}

// function creates a scripted function and returns its ARN, without Lambda's client, which nothing
// else needs.
func (em *emulator) function(t *testing.T, name string) string {
	t.Helper()
	var code bytes.Buffer
	w := zip.NewWriter(&code)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err == nil {
		_, err = io.WriteString(f, bootstrap)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": role, "Timeout": 60,
		"Code":        map[string]any{"ZipFile": code.Bytes()},
		"Environment": map[string]any{"Variables": map[string]string{"SCRIPTS": em.scripts, "TEST_BINARY": binary}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ FunctionArn string }
	if answer := em.post(t, "lambda", "/2015-03-31/functions", "application/json", body); json.Unmarshal(answer,
		&made) != nil {
		t.Fatalf("the answer is not JSON: %s", answer)
	}
	return made.FunctionArn
}

// role creates the role of machines and functions.
func (em *emulator) role(t *testing.T) {
	t.Helper()
	em.post(t, "iam", "/", "application/x-www-form-urlencoded", []byte(url.Values{
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {"differential"},
		"AssumeRolePolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","states.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`},
	}.Encode()))
}

func (em *emulator) post(t *testing.T, service, path, contentType string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, em.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: devstack.AccessKey, SecretAccessKey: devstack.SecretKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), key, req, hex.EncodeToString(sum[:]), service, devstack.Region,
		time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("%s answers %s: %s (%v)", path, resp.Status, text, err)
	}
	return text
}

// run runs a case in the emulator.
func (em *emulator) run(t *testing.T, c scripted) run {
	t.Helper()
	em.begin(t, c)
	return em.await(t, c)
}

// begin starts a case.
func (em *emulator) begin(t *testing.T, c scripted) {
	t.Helper()
	text, err := json.Marshal(c.Answers)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(em.scripts, c.Name+".json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if c.Compensated { // another call was first
		em.start(t, "compensate-order", c.Name, compensateInput(c.Name))
	}
	em.start(t, c.Machine, c.Name, c.Input)
}

// await sends a case's answers by token and returns the result.
func (em *emulator) await(t *testing.T, c scripted) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	arn := em.execution(c.Machine, c.Name)
	for answered := map[string]int{}; ; {
		out, err := em.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != types.ExecutionStatusRunning {
			r := run{Status: string(out.Status), Error: aws.ToString(out.Error)}
			if out.Status == types.ExecutionStatusSucceeded { // a failed one has its error there, which AWS has not
				r.Output = comparable(t, aws.ToString(out.Output))
			}
			em.history(t, "", arn, &r)
			if !slices.Contains(children, c.Machine) {
				em.histories(t, c, &r)
			}
			for _, name := range functionsOf(t, c.Machine) {
				r.Calls = append(r.Calls, em.calls(t, c.Name, name)...)
			}
			return r
		}
		for function, tokens := range c.Tokens {
			if n := answered[function]; len(em.calls(t, c.Name, function)) > n && n < len(tokens) {
				answered[function] += em.answer(ctx, t, c.Name, function, tokens[n])
			}
		}
		time.Sleep(5 * time.Millisecond) // an emulator in another process
	}
}

func (em *emulator) start(t *testing.T, machine, name, input string) {
	t.Helper()
	_, err := em.client.StartExecution(t.Context(),
		&sfn.StartExecutionInput{StateMachineArn: aws.String(em.arns[machine]), Name: &name, Input: &input})
	var exists *types.ExecutionAlreadyExists
	if err != nil && !errors.As(err, &exists) { // names are used once: the SDK got no answer and asked again
		t.Fatalf("%s: %v", name, err)
	}
}

// answer sends an answer by the token of a function's latest call for an order, and returns 1 if it
// was accepted.
func (em *emulator) answer(ctx context.Context, t *testing.T, order, function string, a scriptedAnswer) int {
	t.Helper()
	calls := em.calls(t, order, function)
	var payload struct{ ResumeToken string }
	if err := json.Unmarshal([]byte(em.raw(t, order, function)[len(calls)-1]), &payload); err != nil {
		return 0 // half written
	}
	var err error
	if a.Error != "" {
		_, err = em.client.SendTaskFailure(ctx,
			&sfn.SendTaskFailureInput{TaskToken: &payload.ResumeToken, Error: &a.Error, Cause: aws.String("scripted")})
	} else {
		_, err = em.client.SendTaskSuccess(ctx,
			&sfn.SendTaskSuccessInput{TaskToken: &payload.ResumeToken, Output: aws.String(string(a.Result))})
	}
	var gone *types.TaskDoesNotExist
	if errors.As(err, &gone) {
		// on a busy machine the emulator may give a call up, and call again with what it takes for
		// the next attempt
		return 0
	}
	if err != nil {
		t.Fatalf("%s: the answer for %s: %v", order, function, err)
	}
	return 1
}

// raw returns the payloads of a function's calls for an order, one per line.
func (em *emulator) raw(t *testing.T, order, function string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(em.scripts, order+"."+function+".log"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	return lines[:len(lines)-1]
}

func (em *emulator) calls(t *testing.T, order, function string) []string {
	t.Helper()
	var calls []string
	for _, line := range em.raw(t, order, function) {
		calls = append(calls, call(t, function, line))
	}
	return calls
}

func (em *emulator) execution(machine, name string) string {
	return strings.Replace(em.arns[machine], ":stateMachine:", ":execution:", 1) + ":" + name
}

// histories adds those of an execution's children. AWS keeps none of an Express execution.
func (em *emulator) histories(t *testing.T, c scripted, r *run) {
	t.Helper()
	for _, child := range children {
		if undoes := child == "undo-order"; undoes != (c.Machine == "compensate-order") {
			continue // of a compensation that a saga has started
		}
		so := 0 // children of this kind
		for _, names := range []string{c.Name + "-", c.Name + "-again-"} {
			for n := 0; ; n++ {
				arn := em.execution(child, fmt.Sprint(names, n))
				_, err := em.client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
				var none *types.ExecutionDoesNotExist
				if errors.As(err, &none) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				em.history(t, fmt.Sprint(child, so, "/"), arn, r)
				so++
			}
		}
	}
}

// history adds the entered states with their inputs.
func (em *emulator) history(t *testing.T, prefix, arn string, r *run) {
	t.Helper()
	pages := sfn.NewGetExecutionHistoryPaginator(em.client,
		&sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if d := e.StateEnteredEventDetails; d != nil {
				r.States = append(r.States,
					fmt.Sprintf("%s%s %s", prefix, aws.ToString(d.Name), comparable(t, aws.ToString(d.Input))))
			}
		}
	}
}
