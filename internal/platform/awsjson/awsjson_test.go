package awsjson_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/clock"
)

func TestFailedCallIsAnError(t *testing.T) {
	truncated := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "99")
		_, _ = w.Write([]byte("{}"))
	}))
	defer truncated.Close()
	known := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, nil
	})
	missing := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no credentials")
	})
	for name, c := range map[string]struct {
		url         string
		credentials aws.CredentialsProvider
		in          any
	}{
		"not JSON":       {truncated.URL, known, make(chan int)},
		"bad address":    {"http://%", known, nil},
		"no credentials": {truncated.URL, missing, nil},
		"truncated":      {truncated.URL, known, nil},
	} {
		cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &c.url, Credentials: c.credentials}
		client := awsjson.New(cfg, clock.System{}, "ssm", "ssm", "AmazonSSM")
		var out struct{}
		if err := client.Call(t.Context(), "GetParameter", c.in, &out); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
