package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"go.yaml.in/yaml/v3"
)

// complete does what a deployment leaves open on the emulator: it applies the API's own error answers, which the emulator
// does not take from the contract, and verifies the sender of e-mail, which on AWS its owner does once.
func (s *Stack) complete(ctx context.Context) error {
	return errors.Join(s.applyGatewayResponses(ctx), s.verifySender(ctx))
}

// gatewayResponse is an answer that API Gateway gives by itself, such as to a call without a token.
type gatewayResponse struct {
	StatusCode         json.Number       `json:"statusCode" yaml:"statusCode"`
	ResponseParameters map[string]string `json:"responseParameters" yaml:"responseParameters"`
	ResponseTemplates  map[string]string `json:"responseTemplates" yaml:"responseTemplates"`
}

func (s *Stack) applyGatewayResponses(ctx context.Context) error {
	data, err := os.ReadFile(s.repo.Path("api", "openapi.yaml"))
	if err != nil {
		return err
	}
	var spec struct {
		Responses map[string]gatewayResponse `yaml:"x-amazon-apigateway-gateway-responses"`
	}
	if err := yaml.Unmarshal(data, &spec); err != nil {
		return fmt.Errorf("api/openapi.yaml: %w", err)
	}
	api := "/restapis/" + s.Outputs["ApiId"]
	for kind, response := range spec.Responses {
		if err := s.rest(ctx, http.MethodPut, api+"/gatewayresponses/"+kind, "apigateway", response); err != nil {
			return fmt.Errorf("set the API's answer to %s: %w", kind, err)
		}
	}
	// They count from the next deployment of the API on.
	return s.rest(ctx, http.MethodPost, api+"/deployments", "apigateway", map[string]string{"stageName": Stage})
}

func (s *Stack) verifySender(ctx context.Context) error {
	form := url.Values{"Action": {"VerifyDomainIdentity"}, "Version": {"2010-12-01"}, "Domain": {"example.com"}} // the template's default
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

// Invoke calls a function of the stack, such as reserve-stock, as Step Functions does, and returns what it answers.
// A function that fails is no error here: its answer has errorType and errorMessage.
func (s *Stack) Invoke(ctx context.Context, function string, payload any) ([]byte, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	path := "/2015-03-31/functions/orderflow-" + function + "/invocations"
	return s.Emulator.send(ctx, http.MethodPost, path, "lambda", http.Header{"Content-Type": {"application/json"}}, body)
}
