// Package client calls Orderflow's HTTP API. It has one method for each operation and the types of
// api/openapi.yaml; it knows nothing else of the services. The operator's command line, the demo
// and the end-to-end tests use it.
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

// maxBody bounds the size of a response, in bytes. A page of 100 orders with 40 lines each takes
// about 1 MB.
const maxBody = 8 << 20

// Client calls the API. All fields except BaseURL are optional.
type Client struct {
	// BaseURL is the API's address, such as the stack's output ApiUrl.
	BaseURL string
	// Token returns the bearer token for the next call. If it is nil or returns "", none is sent.
	Token func(context.Context) (string, error)
	// HTTP sends the requests. The default has a timeout of 30 s.
	HTTP *http.Client
	// Poll is the interval at which WaitFinal polls. The default is 250 ms.
	Poll time.Duration
}

var defaultHTTP = &http.Client{Timeout: 30 * time.Second}

// Call is a request for Do.
type Call struct {
	Method string
	// Path starts with a slash and may have a query. It must be escaped.
	Path string
	// IdempotencyKey is sent unless empty.
	IdempotencyKey string
	// Body is sent as JSON unless nil.
	Body any
}

// Do sends a call and decodes a 2xx response into out, unless out is nil. It returns the response's
// header. The error for any other response is a *Problem; after any other error the outcome of the
// call is unknown.
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
		return res.Header, fmt.Errorf("%s %s: reading the response: %w", call.Method, call.Path, err)
	case len(b) > maxBody:
		return res.Header, fmt.Errorf("%s %s: the response exceeds %d bytes", call.Method, call.Path, maxBody)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return res.Header, problem(res, b)
	case out == nil:
		return res.Header, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return res.Header, fmt.Errorf("%s %s: response does not match the contract: %w", call.Method, call.Path, err)
	}
	return res.Header, nil
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	if c.BaseURL == "" {
		return nil, errors.New("BaseURL, the API's address, is not set")
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
		return nil, fmt.Errorf("get a token: %w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}
