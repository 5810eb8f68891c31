package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/cfn"
)

// backend is what mappings need from AWS.
type backend interface {
	// stack returns a deployed stack's evaluated template, or nil if there is no such stack.
	stack(ctx context.Context, name string) (*cfn.Stack, error)
	// invoke calls a function. An error means that the function may not have been called.
	invoke(ctx context.Context, function string, event []byte) (outcome, error)
	// send sends a message to a queue or topic, by its ARN.
	send(ctx context.Context, destination string, message []byte) error
	// secret returns a secret's text.
	secret(ctx context.Context, id string) (string, error)
}

// outcome is the end of an invocation.
type outcome struct {
	answer    []byte
	failed    string // the kind of failure, such as Unhandled; empty: none
	requestID string
	version   string
}

// account is the emulator's AWS.
type account struct{ api awsapi.Client }

// longest is the longest that a function may run.
const longest = 15 * time.Minute

func (a account) invoke(ctx context.Context, function string, event []byte) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	answer, header, err := a.api.Do(ctx, http.MethodPost,
		"/2015-03-31/functions/"+url.PathEscape(function)+"/invocations", "lambda",
		http.Header{"Content-Type": {"application/json"}}, event)
	if err != nil {
		return outcome{}, fmt.Errorf("invoke %s: %w", function, err)
	}
	return outcome{answer: answer, failed: header.Get("X-Amz-Function-Error"),
		requestID: header.Get("X-Amzn-Requestid"), version: header.Get("X-Amz-Executed-Version")}, nil
}

func (a account) send(ctx context.Context, destination string, message []byte) error {
	name := destination[strings.LastIndexByte(destination, ':')+1:]
	if strings.Contains(destination, ":sns:") {
		return a.api.Query(ctx, "sns", url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"},
			"TopicArn": {destination}, "Message": {string(message)}}, nil)
	}
	var queue struct {
		QueueURL string `json:"QueueUrl"`
	}
	err := a.api.JSON(ctx, "sqs", "AmazonSQS.GetQueueUrl", map[string]string{"QueueName": name}, &queue)
	if err != nil {
		return err
	}
	return a.api.JSON(ctx, "sqs", "AmazonSQS.SendMessage",
		map[string]string{"QueueUrl": queue.QueueURL, "MessageBody": string(message)}, nil)
}

func (a account) secret(ctx context.Context, id string) (string, error) {
	var answer struct{ SecretString string }
	in := map[string]string{"SecretId": id}
	err := a.api.JSON(ctx, "secretsmanager", "secretsmanager.GetSecretValue", in, &answer)
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", id, err)
	}
	return answer.SecretString, nil
}

func (a account) stack(ctx context.Context, name string) (*cfn.Stack, error) {
	form := func(action string) url.Values {
		return url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {name},
			"TemplateStage": {"Original"}}
	}
	var described struct {
		Stacks []struct {
			StackStatus string
			Parameters  []struct{ ParameterKey, ParameterValue string } `xml:"Parameters>member"`
		} `xml:"DescribeStacksResult>Stacks>member"`
	}
	err := a.api.Query(ctx, "cloudformation", form("DescribeStacks"), &described)
	if awsapi.Failed(err, "ValidationError") { // it does not exist
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(described.Stacks) != 1 || strings.HasPrefix(described.Stacks[0].StackStatus, "DELETE_") {
		return nil, nil
	}
	var template struct {
		Body string `xml:"GetTemplateResult>TemplateBody"`
	}
	if err := a.api.Query(ctx, "cloudformation", form("GetTemplate"), &template); err != nil {
		return nil, err
	}
	parsed, err := cfn.Parse([]byte(template.Body))
	if err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	for _, p := range described.Stacks[0].Parameters {
		if cfn.Dig(parsed, "Parameters", p.ParameterKey) != nil {
			parameters[p.ParameterKey] = p.ParameterValue
		}
	}
	return cfn.New(parsed, name, parameters)
}

// login is a secret with credentials.
type login struct{ Username, Password string }

func readLogin(ctx context.Context, aws backend, secret string) (l login, err error) {
	if secret == "" {
		return login{}, errors.New("the mapping names no secret with credentials")
	}
	text, err := aws.secret(ctx, secret)
	if err != nil {
		return login{}, err
	}
	if json.Unmarshal([]byte(text), &l) != nil || l.Username == "" || l.Password == "" {
		return login{}, fmt.Errorf("the secret %s lacks username or password", secret)
	}
	return l, nil
}

// functionARN returns the ARN of a function, which a mapping may name by its name.
func functionARN(function string) string {
	if strings.HasPrefix(function, "arn:") {
		return function
	}
	return cfn.ARN("lambda", "function:"+function)
}
