package registry

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

// api calls one service of AWS by its JSON protocol. Linking the SDK's client of the parameter
// store instead would add a quarter to the start time of every function that calls somebody: see
// docs/adr/0011-two-registries-and-a-balancer-in-the-client.md.
type api struct {
	cfg     aws.Config
	client  aws.HTTPClient
	clock   clock.Clock
	service string // as requests are signed for
	url     string
	target  string // prefix of operations
}

// apiError is a refusal by AWS.
type apiError struct {
	Status int
	Code   string
}

func (e *apiError) Error() string { return fmt.Sprintf("AWS answered %d %s", e.Status, e.Code) }

// ErrorCode is that of AWS, as the SDK's own errors have it.
func (e *apiError) ErrorCode() string { return e.Code }

func newAPI(cfg aws.Config, c clock.Clock, service, host, target string) api {
	suffix := ".amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		suffix += ".cn"
	}
	a := api{cfg: cfg, client: cfg.HTTPClient, clock: c, service: service, url: "https://" + host + "." + cfg.Region + suffix, target: target}
	if cfg.BaseEndpoint != nil {
		a.url = *cfg.BaseEndpoint
	}
	if a.client == nil {
		a.client = awshttp.NewBuildableClient()
	}
	return a
}

// call sends in as JSON and decodes the answer into out; refusals are *apiError. What failed on the way,
// or at AWS, is sent once more: all operations called here only read.
func (a api) call(ctx context.Context, operation string, in, out any, attrs ...attribute.KeyValue) (err error) {
	ctx, span := awscalls.Start(ctx, a.service, operation, attrs...)
	defer func() { tracing.End(span, err) }()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		err = a.send(ctx, operation, body, out)
		var refused *apiError
		if err == nil || attempt > 0 || ctx.Err() != nil || errors.As(err, &refused) && refused.Status < 500 {
			return err
		}
	}
}

func (a api) send(ctx context.Context, operation string, body []byte, out any) error {
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
		return &apiError{Status: res.StatusCode, Code: problem.Type[strings.LastIndex(problem.Type, "#")+1:]}
	}
	return json.Unmarshal(answer, out)
}
