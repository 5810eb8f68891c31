package devstack

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
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// The few calls of this package are signed by hand: the SDK's clients of CloudFormation, Cognito, S3 and CloudWatch
// Logs, which no function needs, would take a quarter of the time of the first `make up` to compile.

// Config addresses AWS clients to the emulator, with its root credentials.
func (e *Emulator) Config() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(e.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
	}
}

// apiError is an error answer of a service.
type apiError struct {
	Code    string // such as ResourceNotFoundException
	Message string
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// failedWith tells whether err is an error answer with this code.
func failedWith(err error, code string) bool {
	var api *apiError
	return errors.As(err, &api) && api.Code == code
}

// callJSON makes a call of a service that speaks the AWS JSON protocol; target is its version and the operation.
func (e *Emulator) callJSON(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	answer, err := e.send(ctx, http.MethodPost, "/", service, header, body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// callQuery makes a call of a service that speaks the AWS query protocol.
func (e *Emulator) callQuery(ctx context.Context, service string, form url.Values, out any) error {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	answer, err := e.send(ctx, http.MethodPost, "/", service, header, []byte(form.Encode()))
	if err != nil {
		return err
	}
	return xml.Unmarshal(answer, out)
}

// send signs and sends a request and returns the answer's body.
func (e *Emulator) send(ctx context.Context, method, path, service string, header http.Header, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	key := aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey}
	if err := v4.NewSigner().SignHTTP(ctx, key, req, hash, service, Region, time.Now()); err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, readError(resp.StatusCode, answer)
	}
	return answer, nil
}

// readError makes an apiError of an error answer in JSON or XML.
func readError(status int, answer []byte) error {
	var inJSON struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &inJSON) == nil && inJSON.Type != "" {
		return &apiError{Code: inJSON.Type[strings.LastIndexByte(inJSON.Type, '#')+1:], Message: inJSON.Message}
	}
	var inXML struct {
		Code    string
		Message string
		Error   struct{ Code, Message string }
	}
	if xml.Unmarshal(answer, &inXML) == nil {
		switch {
		case inXML.Error.Code != "":
			return &apiError{Code: inXML.Error.Code, Message: inXML.Error.Message}
		case inXML.Code != "":
			return &apiError{Code: inXML.Code, Message: inXML.Message}
		}
	}
	return &apiError{Code: fmt.Sprintf("HTTP %d", status), Message: string(answer)}
}
