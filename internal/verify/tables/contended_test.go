package tables

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const latency = 10 * time.Millisecond

// transaction puts items with these sort keys.
func transaction(keys ...string) string {
	puts := make([]string, len(keys))
	for i, k := range keys {
		puts[i] = `{"Put":` + put(k, 1, "") + `}`
	}
	return `{"TransactItems":[` + strings.Join(puts, ",") + `]}`
}

// calls makes calls at once and returns how each ended: "" or the codes of the refusal.
func calls(t *testing.T, h http.Handler, bodies ...string) []string {
	t.Helper()
	ends := make([]string, len(bodies))
	for i, body := range bodies {
		operation, body, _ := strings.Cut(body, " ")
		go func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			var out apiError
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Error(err)
			}
			ends[i] = out.Type
			for _, reason := range out.Reasons {
				ends[i] += fmt.Sprint(" ", reason["Code"])
			}
		}()
		time.Sleep(time.Microsecond) // in this order
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	return ends
}

func TestOverlappingTransactionsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewContended(New(shop), latency)
		got := calls(t, h, "TransactWriteItems "+transaction("a", "b"), "TransactWriteItems "+transaction("c", "b"),
			"TransactWriteItems "+transaction("c"), "PutItem "+put("a", 1, ""), "GetItem "+key("a")+"}")
		want := []string{"", "TransactionCanceledException None TransactionConflict", "",
			"TransactionConflictException", ""}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if again := calls(t, h, "TransactWriteItems "+transaction("b")); again[0] != "" {
			t.Errorf("after the others: %q", again)
		}
	})
}

func TestSingleWritesOfAnItemQueueUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewContended(New(shop), latency)
		began, writes := time.Now(), make([]string, 50)
		var last time.Duration
		next := h.Next
		h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			last = time.Since(began)
			next.ServeHTTP(w, r)
		})
		for i := range writes {
			writes[i] = "PutItem " + put("a", 1, "")
		}
		for _, end := range calls(t, h, writes...) {
			if end != "" {
				t.Errorf("refused: %q", end)
			}
		}
		if last < 50*time.Millisecond || last > 70*time.Millisecond {
			t.Errorf("50 writes took %s, want a millisecond each and the latency", last)
		}
	})
}

func TestPartitionTakesAThousandUnitsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewContended(New(shop), latency)
		writes := make([]string, 501)
		for i := range writes {
			writes[i] = "TransactWriteItems " + transaction(fmt.Sprint("k", i))
		}
		ends := calls(t, h, writes...)
		if ends[499] != "" || ends[500] != "TransactionCanceledException ThrottlingError" {
			t.Errorf("write 500: %q, write 501: %q", ends[499], ends[500])
		}
		if again := calls(t, h, writes[500]); again[0] != "" {
			t.Errorf("later: %q", again)
		}
	})
}
