package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow/sandbox/web"
)

func TestTextOfAnInternalErrorIsNotSent(t *testing.T) {
	w := httptest.NewRecorder()
	web.Handle(func(*http.Request) (int, any, error) {
		return 0, nil, errors.New("table ledger-7 is on fire")
	}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	body := w.Body.String()
	if w.Code != 500 || strings.Contains(body, "fire") || !strings.Contains(body, `"code":"internal"`) {
		t.Errorf("response: %d %s", w.Code, body)
	}
}

func TestWrappedErrorIsSent(t *testing.T) {
	w := httptest.NewRecorder()
	web.Handle(func(*http.Request) (int, any, error) {
		return 0, nil, fmt.Errorf("while reading: %w", web.ErrReference)
	}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"code":"invalid_reference"`) {
		t.Errorf("response: %d %s", w.Code, w.Body)
	}
}

func TestReferencesAreShortAndPlain(t *testing.T) {
	for s, good := range map[string]bool{
		"01KAQ5M3Z8V7D2X4C6B9N1T0RW": true, "a-b_C": true, strings.Repeat("a", 64): true,
		"": false, "a/b": false, "a#b": false, "ä": false, strings.Repeat("a", 65): false,
	} {
		if _, err := web.Reference(s); (err == nil) != good {
			t.Errorf("reference %q: %v", s, err)
		}
	}
}

func TestKeysAreShortAndVisible(t *testing.T) {
	for key, good := range map[string]bool{
		"k": true, strings.Repeat("~", 255): true, "": false, "a b": false, "ä": false, strings.Repeat("k", 256): false,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Idempotency-Key", key)
		if _, err := web.Idempotency(r, "charges", nil); (err == nil) != good {
			t.Errorf("key %q: %v", key, err)
		}
	}
}
