package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"orderflow/internal/verify/cfn"
)

// complete does what the emulator's deployment does not: it applies the API's gateway responses,
// which the emulator does not read from the contract, and verifies the sender of e-mail, which its
// owner does once on AWS.
func (s *Stack) complete(ctx context.Context) error {
	return errors.Join(s.applyGatewayResponses(ctx), s.verifySender(ctx))
}

// gatewayResponses returns API Gateway's own responses, such as to a call without a token,
// evaluated with the parameters of a local stack.
func (r Repo) gatewayResponses() (map[string]any, error) {
	template, err := cfn.Read(r.Path("template.yaml"))
	if err != nil {
		return nil, err
	}
	stack, err := cfn.New(template, "orderflow",
		map[string]string{"Stage": Stage, "AllowedOrigins": strings.Join(Origins, ",")})
	if err != nil {
		return nil, err
	}
	spec, err := cfn.Read(r.Path("api", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	responses, ok := stack.Value(spec["x-amazon-apigateway-gateway-responses"]).(map[string]any)
	if !ok {
		return nil, errors.New("api/openapi.yaml has no x-amazon-apigateway-gateway-responses")
	}
	return responses, nil
}

func (s *Stack) applyGatewayResponses(ctx context.Context) error {
	responses, err := s.repo.gatewayResponses()
	if err != nil {
		return err
	}
	api := "/restapis/" + s.Outputs["ApiId"]
	for kind, response := range responses {
		if err := s.rest(ctx, http.MethodPut, api+"/gatewayresponses/"+kind, "apigateway", response); err != nil {
			return fmt.Errorf("set the gateway response %s: %w", kind, err)
		}
	}
	// They take effect with the API's next deployment.
	return s.rest(ctx, http.MethodPost, api+"/deployments", "apigateway", map[string]string{"stageName": Stage})
}

func (s *Stack) verifySender(ctx context.Context) error {
	// the template's default
	form := url.Values{"Action": {"VerifyDomainIdentity"}, "Version": {"2010-12-01"}, "Domain": {"example.com"}}
	if err := s.Emulator.callQuery(ctx, "ses", form, &struct{}{}); err != nil {
		return fmt.Errorf("verify the sender of e-mail: %w", err)
	}
	return nil
}

// rest calls a service with REST and JSON.
func (s *Stack) rest(ctx context.Context, method, path, service string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = s.Emulator.send(ctx, method, path, service, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}

// Invoke calls a function of the stack, such as reserve-stock, as Step Functions does, and returns
// its result. If the function fails, the result has errorType and errorMessage, and err is nil.
func (s *Stack) Invoke(ctx context.Context, function string, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	path := "/2015-03-31/functions/orderflow-" + function + "/invocations"
	header := http.Header{"Content-Type": {"application/json"}}
	return s.Emulator.send(ctx, http.MethodPost, path, "lambda", header, body)
}
