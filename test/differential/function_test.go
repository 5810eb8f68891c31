package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
)

// bootstrap is the code of every function: this test binary, which detects the Lambda runtime.
const bootstrap = "#!/bin/sh\nexec \"$TEST_BINARY\"\n"

func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambda.Start(answer)
		return
	}
	os.Exit(m.Run())
}

// answer is the function's handler: it records the request and returns the order's scripted answer.
func answer(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var in struct{ OrderID string }
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	name := os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	order := filepath.Join(os.Getenv("SCRIPTS"), in.OrderID)
	log := order + "." + name + ".log"
	before, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, payload); err != nil {
		return nil, err
	}
	line.WriteByte('\n')
	if err := os.WriteFile(log, append(before, line.Bytes()...), 0o600); err != nil {
		return nil, err
	}
	script, err := os.ReadFile(order + ".json")
	if err != nil {
		return nil, err
	}
	var answers map[string][]scriptedAnswer
	if err := json.Unmarshal(script, &answers); err != nil {
		return nil, fmt.Errorf("%s.json: %w", order, err)
	}
	a := nth(answers[name], bytes.Count(before, []byte("\n")))
	if a.Error != "" {
		return nil, messages.InvokeResponse_Error{Type: a.Error, Message: "scripted"}
	}
	return a.Result, nil
}

// nth returns the answer to the n-th attempt, from 0: the last one for all further attempts, and
// success without answers.
func nth(answers []scriptedAnswer, n int) scriptedAnswer {
	if len(answers) == 0 {
		return gives(`{}`)
	}
	return answers[min(n, len(answers)-1)]
}
