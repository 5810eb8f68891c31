// Package awsjson calls AWS services by their JSON protocol, for services of which one or two
// operations are needed. The SDK's client of the parameter store would increase the start time of
// every calling function by a quarter: see
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

// maxResponse is the limit of a response in bytes. A parameter has 8 KiB at most.
const maxResponse = 1 << 20

// Client calls one service.
type Client struct {
	cfg     aws.Config
	client  aws.HTTPClient
	clock   clock.Clock
	service string // name in the signature
	url     string
	target  string // prefix of operations
	version string // of the protocol
}

// Error is an error response of AWS.
type Error struct {
	Status int
	Code   string
}

func (e *Error) Error() string { return fmt.Sprintf("AWS responded %d %s", e.Status, e.Code) }

// ErrorCode returns the code, as errors of the SDK do.
func (e *Error) ErrorCode() string { return e.Code }

// New returns a client. It signs requests for service and sends them to host in the region of cfg.
// target is the prefix of operations.
func New(cfg aws.Config, c clock.Clock, service, host, target string) Client {
	suffix := ".amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		suffix += ".cn"
	}
	a := Client{
		cfg: cfg, client: cfg.HTTPClient, clock: c, service: service, target: target, version: "1.1",
		url: "https://" + host + "." + cfg.Region + suffix,
	}
	if cfg.BaseEndpoint != nil {
		a.url = *cfg.BaseEndpoint
	}
	if a.client == nil {
		a.client = awshttp.NewBuildableClient()
	}
	return a
}

// Version10 returns a client of a service that speaks version 1.0 of the protocol, such as SQS.
func (a Client) Version10() Client {
	a.version = "1.0"
	return a
}

// Call sends in as JSON and decodes the response into out, unless out is nil. Error responses are
// *Error. It retries network errors and 5xx responses once, so the operation must be safe to
// repeat.
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
	req.Header.Set("Content-Type", "application/x-amz-json-"+a.version)
	req.Header.Set("X-Amz-Target", a.target+"."+operation)
	credentials, err := a.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	err = v4.NewSigner().SignHTTP(ctx, credentials, req, hash, a.service, a.cfg.Region, a.clock.Now())
	if err != nil {
		return err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	response, err := io.ReadAll(io.LimitReader(res.Body, maxResponse))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		var problem struct {
			Type string `json:"__type"`
		}
		_ = json.Unmarshal(response, &problem) // the code is optional
		return &Error{Status: res.StatusCode, Code: problem.Type[strings.LastIndex(problem.Type, "#")+1:]}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(response, out)
}
