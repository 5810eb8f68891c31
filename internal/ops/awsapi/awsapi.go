// Package awsapi calls AWS's APIs without the SDK's service clients. Tools need a few calls of many
// services, and compiling all those clients would take a quarter of the first `make up`. Functions
// use the SDK.
package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// timeout bounds a call, including reading its answer.
const timeout = 30 * time.Second

// Client makes calls with the credentials, region and endpoint of the configuration.
type Client struct{ Config aws.Config }

// Error is a service's error answer.
type Error struct {
	Code    string // such as ResourceNotFoundException
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Failed reports whether err is an error answer with this code.
func Failed(err error, code string) bool {
	var api *Error
	return errors.As(err, &api) && api.Code == code
}

// JSON calls a service that speaks the AWS JSON protocol; target is its version and the operation.
// out may be nil.
func (c Client) JSON(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	answer, err := c.Send(ctx, http.MethodPost, "/", service, header, body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// Query calls a service that speaks the AWS query protocol; out may be nil.
func (c Client) Query(ctx context.Context, service string, form url.Values, out any) error {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	answer, err := c.Send(ctx, http.MethodPost, "/", service, header, []byte(form.Encode()))
	if err != nil || out == nil {
		return err
	}
	return xml.Unmarshal(answer, out) //nolint:gosec // G709: into plain fields, from AWS
}

// Get reads a path of a service that speaks JSON over REST.
func (c Client) Get(ctx context.Context, service, path string, out any) error {
	answer, err := c.Send(ctx, http.MethodGet, path, service, http.Header{}, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// Send signs and sends a request and returns the answer's body.
func (c Client) Send(
	ctx context.Context, method, path, service string, header http.Header, body []byte,
) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, _, err := c.Do(ctx, method, path, service, header, body)
	return answer, err
}

// Do is Send for a caller that bounds the call itself and needs the answer's headers.
func (c Client) Do(
	ctx context.Context, method, path, service string, header http.Header, body []byte,
) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint(service)+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if c.Config.Credentials == nil {
		return nil, nil, errors.New("no AWS credentials configured")
	}
	key, err := c.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("AWS credentials: %w", err)
	}
	req.Header = header
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(ctx, key, req, hash, service, c.Config.Region, time.Now()); err != nil {
		return nil, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, readError(resp, answer)
	}
	return answer, resp.Header, nil
}

func (c Client) endpoint(service string) string {
	if c.Config.BaseEndpoint != nil {
		return strings.TrimRight(*c.Config.BaseEndpoint, "/")
	}
	suffix := ".amazonaws.com"
	if strings.HasPrefix(c.Config.Region, "cn-") {
		suffix += ".cn"
	}
	return "https://" + service + "." + c.Config.Region + suffix
}

// readError parses an error answer in JSON or XML.
func readError(resp *http.Response, answer []byte) error {
	var inJSON struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &inJSON) == nil {
		// In the REST protocol the code is in a header, possibly followed by a colon and more.
		code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
		if inJSON.Type != "" {
			code = inJSON.Type[strings.LastIndexByte(inJSON.Type, '#')+1:]
		}
		if code != "" {
			return &Error{Code: code, Message: inJSON.Message}
		}
	}
	var inXML struct {
		Code    string
		Message string
		Error   struct{ Code, Message string }
	}
	if xml.Unmarshal(answer, &inXML) == nil {
		switch {
		case inXML.Error.Code != "":
			return &Error{Code: inXML.Error.Code, Message: inXML.Error.Message}
		case inXML.Code != "":
			return &Error{Code: inXML.Code, Message: inXML.Message}
		}
	}
	return &Error{Code: fmt.Sprintf("HTTP %d", resp.StatusCode), Message: string(answer)}
}
