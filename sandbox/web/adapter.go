package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/recorder"
	"orderflow/internal/platform/tracing"
)

// Serve returns the Lambda function that serves h behind an API Gateway proxy integration.
func Serve(h http.Handler) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in events.APIGatewayProxyRequest
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		r, err := request(ctx, in)
		if err != nil {
			return nil, err
		}
		ctx, span := tracing.Start(r.Context(), in.HTTPMethod+" "+in.Resource, tracing.Server,
			attribute.String("http.request.method", in.HTTPMethod), attribute.String("http.route", in.Resource))
		answer := recorder.Serve(h, r.WithContext(ctx)) //nolint:contextcheck // derived from the function's context
		span.SetAttributes(tracing.KeyStatus.Int(answer.Status))
		span.End()
		return json.Marshal(events.APIGatewayProxyResponse{
			StatusCode: answer.Status, MultiValueHeaders: answer.Header(), Body: answer.Body.String(),
		})
	})
}

func request(ctx context.Context, in events.APIGatewayProxyRequest) (*http.Request, error) {
	body := []byte(in.Body)
	if in.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(in.Body); err != nil {
			return nil, err
		}
	}
	target := url.URL{Path: in.Path, RawQuery: url.Values(in.MultiValueQueryStringParameters).Encode()}
	header := http.Header{}
	for name, v := range in.Headers {
		header.Set(name, v)
	}
	for name, values := range in.MultiValueHeaders {
		header[http.CanonicalHeaderKey(name)] = values
	}
	ctx = function.Traced(ctx, header.Get(tracing.HeaderW3C))
	r, err := http.NewRequestWithContext(ctx, strings.ToUpper(in.HTTPMethod), target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}
