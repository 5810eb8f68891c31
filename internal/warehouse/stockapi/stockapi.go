// Package stockapi adjusts stock by inventory's API.
package stockapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/warehouse"
)

// Name is inventory's name in the registry.
const Name = "inventory"

// Timeout bounds one attempt.
const Timeout = 5 * time.Second

// Caller authorizes the calls.
type Caller interface {
	Authorization(ctx context.Context) (string, error)
	// Forget is called when the API has not accepted the authorization.
	Forget()
}

// API implements warehouse.Inventory.
type API struct {
	client *httpclient.Client
	caller Caller
}

// New returns the API. c has its address and circuit breaker. The client does not retry; the queue
// repeats a call minutes later. An immediate retry could be refused while the first attempt is
// still in progress, and a refusal must prove that no attempt takes effect.
func New(c httpclient.Config, caller Caller) API {
	c.Dependency, c.Timeout, c.Retry = Name, Timeout, resilience.Policy{Attempts: 1}
	return API{client: httpclient.New(c), caller: caller}
}

// Adjust makes an adjustment. Only 409 and 422 are decisions of inventory, made after it has looked
// for the key; any other response leaves the outcome of earlier attempts open.
func (a API) Adjust(ctx context.Context, in warehouse.Adjustment) error {
	authorization, err := a.caller.Authorization(ctx)
	if err != nil {
		return err
	}
	err = a.client.Do(ctx, httpclient.Request{
		Method: http.MethodPost, Path: "/v1/stock/" + url.PathEscape(in.SKU) + "/adjustments",
		IdempotencyKey: in.Key, Authorization: authorization,
		Body: map[string]any{"delta": in.Delta, "reason": in.Reason},
	}, nil)
	refusal, refused := err.(*httpclient.StatusError) //nolint:errorlint // a wrapped one is transient
	if !refused {
		return err
	}
	switch refusal.Status {
	case http.StatusConflict, http.StatusUnprocessableEntity:
		return warehouse.ErrRefused.Detailf("inventory refused the adjustment: %s", code(refusal.Body)).Because(err)
	case http.StatusUnauthorized, http.StatusForbidden:
		a.caller.Forget()
	}
	return err
}

var plain = regexp.MustCompile(`^[A-Za-z]+$`)

// code is the problem's code, such as InsufficientStock.
func code(body []byte) string {
	var problem struct{ Code string }
	if json.Unmarshal(body, &problem) != nil || !plain.MatchString(problem.Code) {
		return "unknown code"
	}
	return problem.Code
}
