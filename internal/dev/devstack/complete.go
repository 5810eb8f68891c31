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

// complete does what a deployment leaves open on the emulator: it applies the API's own error
// answers, which the emulator does not take from the contract, and verifies the sender of e-mail,
// which on AWS its owner does once.
func (s *Stack) complete(ctx context.Context) error {
	return errors.Join(s.applyGatewayResponses(ctx), s.verifySender(ctx))
}

// gatewayResponses are the answers that API Gateway gives by itself, such as to a call without a
// token, as CloudFormation reads them with the parameters of a local stack.
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
		return nil, errors.New("api/openapi.yaml has no answers for API Gateway")
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
			return fmt.Errorf("set the API's answer to %s: %w", kind, err)
		}
	}
	// They count from the next deployment of the API on.
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

// rest makes a call of a service that speaks REST with JSON.
func (s *Stack) rest(ctx context.Context, method, path, service string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = s.Emulator.send(ctx, method, path, service, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}

// Invoke calls a function of the stack, such as reserve-stock, as Step Functions does, and returns
// what it answers. A function that fails is no error here: its answer has errorType and
// errorMessage.
func (s *Stack) Invoke(ctx context.Context, function string, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	path := "/2015-03-31/functions/orderflow-" + function + "/invocations"
	return s.Emulator.send(ctx, http.MethodPost, path, "lambda", http.Header{"Content-Type": {"application/json"}},
		body)
}
