package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/registry"
)

// ssm is a parameter store with the addresses by parameter name.
type ssm struct {
	parameters map[string]string
	calls      int
}

func (s *ssm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls++
	var in struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if v, ok := s.parameters[in.Name]; ok {
		_, _ = fmt.Fprintf(w, `{"Parameter":{"Name":%q,"Value":%q}}`, in.Name, v)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
}

func open(t *testing.T, s *ssm) (*registry.Parameters, *clock.Manual) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := clock.At(time.Unix(0, 0))
	return registry.Open(aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})}, "dev", c), c
}

func TestAddressIsTheStagesAndHasNoSlashAtItsEnd(t *testing.T) {
	r, _ := open(t, &ssm{parameters: map[string]string{"/orderflow/dev/services/orders": "https://a/", "/orderflow/prod/services/orders": "https://b"}})
	wantURL(t, r, "orders", "https://a")
}

func TestAddressIsAskedForOnceAMinute(t *testing.T) {
	s := &ssm{parameters: map[string]string{"/orderflow/dev/services/orders": "https://a"}}
	r, c := open(t, s)
	wantURL(t, r, "orders", "https://a")
	s.parameters["/orderflow/dev/services/orders"] = "https://b"
	c.Advance(registry.TTL - time.Nanosecond)
	wantURL(t, r, "orders", "https://a")
	if s.calls != 1 {
		t.Errorf("asked %d times within a minute", s.calls)
	}
	c.Advance(time.Nanosecond)
	wantURL(t, r, "orders", "https://b")
}

func TestOldAddressIsUsedWhileAskingFails(t *testing.T) {
	s := &ssm{parameters: map[string]string{"/orderflow/dev/services/orders": "https://a"}}
	r, c := open(t, s)
	wantURL(t, r, "orders", "https://a")
	s.parameters = nil
	c.Advance(time.Hour)
	wantURL(t, r, "orders", "https://a")
	s.parameters = map[string]string{"/orderflow/dev/services/orders": "https://b"}
	wantURL(t, r, "orders", "https://a") // it is not asked for again at once
	c.Advance(5 * time.Second)
	wantURL(t, r, "orders", "https://b")
}

func TestUnknownServiceIsTransient(t *testing.T) {
	r, _ := open(t, &ssm{})
	for name, r := range map[string]registry.Registry{"parameters": r, "fixed": registry.Fixed{}} {
		_, err := r.Resolve(t.Context(), "orders")
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Transient || f.Code != "ServiceUnknown" {
			t.Errorf("%s: %v, want the transient ServiceUnknown", name, err)
		}
	}
}

func TestFixedKnowsWhatItWasGiven(t *testing.T) {
	wantURL(t, registry.Fixed{"orders": "https://a"}, "orders", "https://a")
}

func wantURL(t *testing.T, r registry.Registry, name, want string) {
	t.Helper()
	if got, err := r.Resolve(t.Context(), name); got != want || err != nil {
		t.Errorf("Resolve(%s) = %q, %v; want %q", name, got, err, want)
	}
}
