package httpclient_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestResponseWithATooLargeContentLengthIsNotRead(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<20+1))
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the body never comes
	})
	began := time.Now()
	_, err := get(t, c)
	wantTransient(t, "too large", err)
	if took := time.Since(began); took > time.Second {
		t.Errorf("refused after %v", took)
	}
}
