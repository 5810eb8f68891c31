package registry_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
)

// cloud is AWS: it answers operations by their X-Amz-Target, to callers with the right signature.
type cloud struct {
	t       *testing.T
	answers map[string]func(in map[string]string) (status int, body string)
	calls   int
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.calls++
	body, _ := io.ReadAll(r.Body)
	if want, got := sign(r, body, "secret"), r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+want) {
		c.t.Errorf("Authorization = %q, want the signature %s", got, want)
	}
	var in map[string]string
	if err := json.Unmarshal(body, &in); err != nil {
		c.t.Errorf("request %s: %v", body, err)
	}
	answer := c.answers[r.Header.Get("X-Amz-Target")]
	if answer == nil {
		c.t.Errorf("called %q", r.Header.Get("X-Amz-Target"))
		return
	}
	status, out := answer(in)
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, out)
}

// sign makes the signature of a request by the rules of AWS Signature Version 4, from the header
// fields that it names.
func sign(r *http.Request, body []byte, secret string) string {
	authorization := r.Header.Get("Authorization")
	field := func(name string) string {
		_, after, _ := strings.Cut(authorization, name+"=")
		value, _, _ := strings.Cut(after, ",")
		return value
	}
	signed := strings.Split(field("SignedHeaders"), ";")
	canonical := r.Method + "\n/\n\n"
	for _, name := range signed {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		canonical += name + ":" + value + "\n"
	}
	digest := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	canonical += "\n" + strings.Join(signed, ";") + "\n" + digest(body)
	_, scope, _ := strings.Cut(field("Credential"), "/")
	toSign := "AWS4-HMAC-SHA256\n" + r.Header.Get("X-Amz-Date") + "\n" + scope + "\n" + digest([]byte(canonical))
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), toSign) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if !slices.Contains(signed, "x-amz-target") || !slices.Contains(signed, "x-amz-security-token") {
		return "of target and token"
	}
	return hex.EncodeToString(key)
}

// serve starts the cloud and returns the configuration of its clients, and their clock.
func (c *cloud) serve(t *testing.T) (aws.Config, *clock.Manual) {
	t.Helper()
	c.t = t
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return config(&server.URL), clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
}

func config(endpoint *string) aws.Config {
	return aws.Config{Region: "eu-central-1", BaseEndpoint: endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret", SessionToken: "token"}, nil
		})}
}
