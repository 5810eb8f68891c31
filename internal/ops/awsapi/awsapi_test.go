package awsapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/ops/awsapi"
)

func client(t *testing.T, status int, header, body string) awsapi.Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signature := r.Header.Get("Authorization")
		if !strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential=key/") ||
			r.Header.Get("X-Amz-Security-Token") != "token" {
			t.Errorf("signed %q", signature)
		}
		w.Header().Set("X-Amzn-ErrorType", header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return awsapi.Client{Config: aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "token"),
	}}
}

func TestErrorsAreReadInEveryProtocol(t *testing.T) {
	for name, c := range map[string]awsapi.Client{
		"json": client(t, 400, "", `{"__type":"com.amazonaws#Gone","message":"it left"}`),
		"rest": client(t, 404, "Gone:http://internal", `{"Message":"it left"}`),
		"query": client(t, 400, "",
			`<ErrorResponse><Error><Code>Gone</Code><Message>it left</Message></Error></ErrorResponse>`),
		"bare query": client(t, 400, "", `<Error><Code>Gone</Code><Message>it left</Message></Error>`),
	} {
		err := c.Get(t.Context(), "tea", "/cup", &struct{}{})
		if !awsapi.Failed(err, "Gone") || !strings.Contains(err.Error(), "it left") {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := client(t, 502, "", `<html>bad gateway`).Get(t.Context(), "tea", "/", nil)
	if !awsapi.Failed(err, "HTTP 502") {
		t.Errorf("not an AWS error: %v", err)
	}
}

func TestCallWithoutCredentialsIsNotSent(t *testing.T) {
	c := awsapi.Client{Config: aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String("http://127.0.0.1:1")}}
	if err := c.Get(t.Context(), "tea", "/", nil); err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("%v", err)
	}
}
