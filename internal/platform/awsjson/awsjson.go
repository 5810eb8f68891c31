// Package awsjson calls services of AWS by their JSON protocol, for one operation or two of a service. Linking the SDK's client of
// the parameter store instead would add a quarter to the start time of every function that calls somebody: see
// docs/adr/0011-two-registries-and-a-balancer-in-the-client.md.
package awsjson

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/awscalls"
)

// maxAnswer bounds an answer of AWS that is read, in bytes; a parameter has 8 KiB at most.
const maxAnswer = 1 << 20

// Client calls one service.
type Client struct {
	cfg     aws.Config
	client  aws.HTTPClient
	clock   clock.Clock
	service string // as requests are signed for
	url     string
	target  string // prefix of operations
}

// Error is a refusal by AWS.
type Error struct {
	Status int
	Code   string
}

func (e *Error) Error() string { return fmt.Sprintf("AWS answered %d %s", e.Status, e.Code) }

// ErrorCode is that of AWS, as errors of the SDK have it.
func (e *Error) ErrorCode() string { return e.Code }

// New returns a client. Requests are signed for service and go to host in the region of cfg; target is the prefix of operations.
func New(cfg aws.Config, c clock.Clock, service, host, target string) Client {
	suffix := ".amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		suffix += ".cn"
	}
	a := Client{cfg: cfg, client: cfg.HTTPClient, clock: c, service: service, url: "https://" + host + "." + cfg.Region + suffix, target: target}
	if cfg.BaseEndpoint != nil {
		a.url = *cfg.BaseEndpoint
	}
	if a.client == nil {
		a.client = awshttp.NewBuildableClient()
	}
	return a
}

// Call sends in as JSON and decodes the answer into out, unless that is nil; refusals are *Error. What failed on the way,
// or at AWS, is sent once more: every operation called so must be safe to repeat.
func (a Client) Call(ctx context.Context, operation string, in, out any, attrs ...attribute.KeyValue) (err error) {
	ctx, span := awscalls.Start(ctx, a.service, operation, attrs...)
	defer func() { tracing.End(span, err) }()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		err = a.send(ctx, operation, body, out)
		var refused *Error
		if err == nil || attempt > 0 || ctx.Err() != nil || errors.As(err, &refused) && refused.Status < 500 {
			return err
		}
	}
}

func (a Client) send(ctx context.Context, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", a.target+"."+operation)
	credentials, err := a.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), a.service, a.cfg.Region, a.clock.Now()); err != nil {
		return err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		var problem struct {
			Type string `json:"__type"`
		}
		_ = json.Unmarshal(answer, &problem) // without a code it is still a refusal
		return &Error{Status: res.StatusCode, Code: problem.Type[strings.LastIndex(problem.Type, "#")+1:]}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
