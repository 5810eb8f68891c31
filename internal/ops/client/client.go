// Package client calls Orderflow's HTTP API: one method an operation, with the shapes of
// api/openapi.yaml, which is all that it knows of the services. The operator's command line, the
// demonstration and the end-to-end tests use it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds the answer that is read, in bytes. A page of 100 orders of 40 lines has about 1 MB.
const maxBody = 8 << 20

// Client calls the API. Its zero fields have defaults, except BaseURL.
type Client struct {
	// BaseURL is the API's address, such as the stack's output ApiUrl.
	BaseURL string
	// Token returns the bearer token for the next call; nil, or an empty token, sends none.
	Token func(context.Context) (string, error)
	// HTTP sends the requests; nil is a client that gives each call 30 s.
	HTTP *http.Client
	// Poll is how often WaitFinal looks; 0 is every 250 ms.
	Poll time.Duration
}

var defaultHTTP = &http.Client{Timeout: 30 * time.Second}

// Call is a request for Do.
type Call struct {
	Method string
	// Path starts with a slash and may have a query; what is put into it must be escaped.
	Path string
	// IdempotencyKey is sent where not empty.
	IdempotencyKey string
	// Body is sent as JSON, where not nil.
	Body any
}

// Do sends any call and decodes a 2xx answer into out, unless out is nil. It returns the header of the
// answer. Any other answer is a *Problem; every other error means that it is not known what became of the call.
func (c *Client) Do(ctx context.Context, call Call, out any) (http.Header, error) {
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, err
	}
	h := c.HTTP
	if h == nil {
		h = defaultHTTP
	}
	res, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return res.Header, fmt.Errorf("%s %s: the answer broke off: %w", call.Method, call.Path, err)
	case len(b) > maxBody:
		return res.Header, fmt.Errorf("%s %s: the answer is larger than %d bytes", call.Method, call.Path, maxBody)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return res.Header, problem(res, b)
	case out == nil:
		return res.Header, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return res.Header, fmt.Errorf("%s %s: the answer is not as the contract says: %w", call.Method, call.Path, err)
	}
	return res.Header, nil
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	if c.BaseURL == "" {
		return nil, errors.New("the address of the API is not set")
	}
	var body io.Reader
	if call.Body != nil {
		b, err := json.Marshal(call.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, strings.TrimSuffix(c.BaseURL, "/")+call.Path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if call.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", call.IdempotencyKey)
	}
	if c.Token == nil {
		return req, nil
	}
	token, err := c.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("no token: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}
