package devstack

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/ops/awsapi"
)

// Config configures AWS clients for the emulator, with its root credentials.
func (e *Emulator) Config() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(e.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
	}
}

func (e *Emulator) api() awsapi.Client { return awsapi.Client{Config: e.Config()} }

// callJSON calls a service with the AWS JSON protocol; target is its version and operation.
func (e *Emulator) callJSON(ctx context.Context, service, target string, in, out any) error {
	return e.api().JSON(ctx, service, target, in, out)
}

// callQuery calls a service with the AWS query protocol.
func (e *Emulator) callQuery(ctx context.Context, service string, form url.Values, out any) error {
	return e.api().Query(ctx, service, form, out)
}

// send signs and sends a request and returns the response body.
func (e *Emulator) send(
	ctx context.Context, method, path, service string, header http.Header, body []byte,
) ([]byte, error) {
	return e.api().Send(ctx, method, path, service, header, body)
}
