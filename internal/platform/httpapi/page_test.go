package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpapi"
)

func TestPageDefaultsToTwentyFromTheStart(t *testing.T) {
	if limit, cursor := (&httpapi.Request{}).Page(); limit != 20 || cursor != "" {
		t.Errorf("Page = %d, %q; want 20 from the start", limit, cursor)
	}
	r := &httpapi.Request{Query: url.Values{"limit": {"5"}, "cursor": {"c"}}}
	if limit, cursor := r.Page(); limit != 5 || cursor != "c" {
		t.Errorf("Page = %d, %q; want 5 from c", limit, cursor)
	}
}

func TestListHasItsNameAndANullCursorOnTheLastPage(t *testing.T) {
	double := func(n int) int { return 2 * n }
	for next, want := range map[string]string{"": `{"odds":[2,6],"cursor":null}`, "c": `{"odds":[2,6],"cursor":"c"}`} {
		res := httpapi.List("odds", []int{1, 3}, next, double)
		if b, err := json.Marshal(res.Body); err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	}
}

func TestCallerIsVerifiedBeforeTheContract(t *testing.T) {
	h := httpapi.HandleVerified("receiveCarrierWebhook", func(_ context.Context, _ http.Header, body []byte) error {
		if string(body) != "not JSON" {
			return errors.New("verify does not see the body")
		}
		return fault.New(fault.Unauthenticated, "BadSignature", "the signature is invalid")
	}, nil)
	out, p := answer(t, h, apiRequest{HTTPMethod: http.MethodPost, Path: "/v1/webhooks/carrier", Body: "not JSON"})
	if out.StatusCode != http.StatusUnauthorized || p.Code != "BadSignature" || p.Errors != nil {
		t.Errorf("%d %+v; want only the invalid signature", out.StatusCode, p)
	}
}
